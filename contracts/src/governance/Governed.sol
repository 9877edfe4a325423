// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {AccessControlUpgradeable} from "@openzeppelin/contracts-upgradeable/access/AccessControlUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title Base of every upgradeable contract: the timelock decides upgrades and roles, nobody else
/// @dev State of the base stands in ERC-7201 namespaces, so a contract's own layout begins at slot 0.
abstract contract Governed is AccessControlUpgradeable, UUPSUpgradeable {
    constructor() {
        _disableInitializers();
    }

    /// @param admin Who grants roles and upgrades: the deployer while it wires the contracts, then the timelock alone.
    function _initializeGoverned(address admin) internal onlyInitializing {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    function _authorizeUpgrade(address) internal view override onlyRole(DEFAULT_ADMIN_ROLE) {}
}
