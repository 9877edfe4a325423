// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Gives test tokens to whoever asks, on local and test chains only
/// @notice It holds what it gives and mints nothing.
contract DevelopmentFaucet {
    using SafeERC20 for IERC20;

    IERC20 public immutable token;
    /// @notice What one address receives, once a day.
    uint256 public immutable portion;
    /// @notice When an address last received, seconds since 1970.
    mapping(address account => uint256 time) public lastDrip;

    /// @notice This chain is not on the list of development chains.
    error NotADevelopmentChain(uint256 chainId);
    /// @notice The address was served less than a day ago.
    error TooSoon(uint256 next);

    constructor(IERC20 token_, uint256 portion_) {
        uint256 chain = block.chainid;
        // anvil, an unnamed local chain, Sepolia, Holesky, Hoodi, BNB Smart Chain testnet.
        bool known =
            chain == 31337 || chain == 1337 || chain == 11155111 || chain == 17000 || chain == 560048 || chain == 97;
        if (!known) revert NotADevelopmentChain(chain);
        token = token_;
        portion = portion_;
    }

    /// @notice Sends one portion to the caller.
    function drip() external {
        uint256 last = lastDrip[msg.sender];
        if (last != 0 && block.timestamp < last + 1 days) revert TooSoon(last + 1 days);
        lastDrip[msg.sender] = block.timestamp;
        token.safeTransfer(msg.sender, portion);
    }
}
