// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title How every contract takes money in: as much as it books, or not at all
/// @notice HOLD takes no fee of a transfer; a token that did would leave books that promise more than there is.
library Deposits {
    using SafeERC20 for IERC20;

    /// @notice The token did not deliver what it was told to.
    error WrongTransfer(uint256 expected, uint256 received);

    /// @notice Takes `amount` from the caller of the contract, which must have allowed it.
    function take(IERC20 token, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert WrongTransfer(amount, received);
    }
}
