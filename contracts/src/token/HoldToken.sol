// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title HOLD, in which storage is paid, stakes are held and votes are cast
/// @notice 18 decimals. The owner (the governance timelock) may mint, at most INFLATION_BPS of the supply a year;
/// nobody may take or freeze what another holds.
contract HoldToken is ERC20, ERC20Burnable, ERC20Permit, ERC20Votes, Ownable2Step {
    /// @notice Most that may be minted within one year, in basis points of the supply at the year's start.
    uint256 public constant INFLATION_BPS = 500;
    uint256 private constant YEAR = 365 days;

    /// @notice Start of the current minting year, seconds since 1970.
    uint256 public yearStart;
    /// @notice What may still be minted in the current year, in 10^-18 HOLD.
    uint256 public mintable;

    /// @notice More than the year's allowance was asked for.
    error MintAboveAllowance(uint256 asked, uint256 left);

    /// @param holder Who receives the initial supply.
    /// @param supply The initial supply, in 10^-18 HOLD.
    constructor(address owner, address holder, uint256 supply)
        ERC20("Holdfast", "HOLD")
        ERC20Permit("Holdfast")
        Ownable(owner)
    {
        _mint(holder, supply);
        yearStart = block.timestamp;
        mintable = yearly(supply);
    }

    /// @notice Mints new tokens, within the year's allowance.
    function mint(address to, uint256 amount) external onlyOwner {
        if (block.timestamp >= yearStart + YEAR) {
            yearStart = block.timestamp;
            mintable = yearly(totalSupply());
        }
        if (amount > mintable) revert MintAboveAllowance(amount, mintable);
        mintable -= amount;
        _mint(to, amount);
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function yearly(uint256 supply) private pure returns (uint256) {
        return supply * INFLATION_BPS / 10_000;
    }

    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Votes) {
        super._update(from, to, amount);
    }
}
