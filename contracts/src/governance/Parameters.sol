// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Governed} from "./Governed.sol";

/// @notice What governance may tune. Appended only: a number is stored at its place in this list.
enum Parameter {
    ResponseBlocks, // blocks that a provider has to prove, after its window was opened
    MissPenaltyBps, // share of all locked collateral that the first missed window costs
    EvictLevel, // the level at which a provider loses its slots; each miss raises it by one
    DecayWindows, // windows without a miss that lower the level by one
    BountyBps, // share of a penalty that whoever reported it receives
    FailPenaltyBps, // share of a slot's collateral that is seized when it is taken from its provider
    FaultPenaltyBps, // the same when the provider declared the loss itself
    RewardShareBps, // most of a seizure that may become the repair reward
    RefundShareBps, // most of a seizure that may become the owner's refund
    UnbondingBlocks, // blocks between the wish to withdraw stake and the withdrawal
    NoticeWindows, // windows that a cancelled agreement still runs
    LongestWindows, // most windows of an agreement
    ReservationBlocks, // blocks that a reserved slot waits for its refill
    ReservationBondBps, // bond of a reservation, of the slot's collateral
    CollateralWindows, // least collateral of a slot, in windows of its price
    DisputeBond, // first bond of a dispute, in 10^-18 HOLD
    DisputeBlocks, // least blocks to answer a dispute
    DisputeGas, // what the loser of a dispute pays for the winner's gas, in 10^-18 HOLD
    ReceiptPenalty, // what a false deletion receipt costs, in 10^-18 HOLD
    ChannelBlocks // blocks between a payer's wish to close a channel and its end
}

/// @title Every number that governance may tune, within bounds that no vote can pass
/// @dev The bounds keep the promises of docs/spec/market.md: a burn always exceeds the reward of the same seizure
/// (RewardShareBps + RefundShareBps <= 5,500, so at least 4,500 of 10,000 burn against at most 4,000), no single miss
/// empties a stake, and every delay is finite.
contract Parameters is Governed {
    mapping(Parameter parameter => uint256 value) private _values;

    /// @notice A parameter changed.
    event ParameterSet(Parameter indexed parameter, uint256 value);

    /// @notice A value outside the bounds of its parameter.
    error OutOfBounds(Parameter parameter, uint256 value, uint256 low, uint256 high);

    /// @param values One value for each parameter, in order.
    function initialize(address admin, uint256[] calldata values) external initializer {
        _initializeGoverned(admin);
        for (uint256 i = 0; i <= uint256(type(Parameter).max); i++) {
            _set(Parameter(i), values[i]);
        }
    }

    /// @notice Sets a parameter, within its bounds.
    function set(Parameter parameter, uint256 value) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _set(parameter, value);
    }

    /// @notice The value of a parameter.
    function get(Parameter parameter) external view returns (uint256) {
        return _values[parameter];
    }

    /// @notice The bounds of a parameter, both inclusive.
    function bounds(Parameter parameter) public pure returns (uint256 low, uint256 high) {
        if (parameter == Parameter.ResponseBlocks) return (4, 7_200);
        if (parameter == Parameter.MissPenaltyBps) return (10, 500);
        if (parameter == Parameter.EvictLevel) return (2, 10);
        if (parameter == Parameter.DecayWindows) return (4, 10_000);
        if (parameter == Parameter.BountyBps) return (0, 1_000);
        if (parameter == Parameter.FailPenaltyBps) return (5_000, 10_000);
        if (parameter == Parameter.FaultPenaltyBps) return (500, 4_000);
        if (parameter == Parameter.RewardShareBps) return (0, 4_000);
        if (parameter == Parameter.RefundShareBps) return (0, 1_500);
        if (parameter == Parameter.UnbondingBlocks) return (50, 5_000_000);
        if (parameter == Parameter.NoticeWindows) return (1, 1_000);
        if (parameter == Parameter.LongestWindows) return (10, 100_000);
        if (parameter == Parameter.ReservationBlocks) return (20, 100_000);
        if (parameter == Parameter.ReservationBondBps) return (100, 5_000);
        if (parameter == Parameter.CollateralWindows) return (10, 10_000);
        if (parameter == Parameter.DisputeBond) return (1e15, 1e24);
        if (parameter == Parameter.DisputeBlocks) return (10, 100_000);
        if (parameter == Parameter.DisputeGas) return (0, 1e22);
        if (parameter == Parameter.ReceiptPenalty) return (0, 1e24);
        return (10, 1_000_000); // ChannelBlocks
    }

    function _set(Parameter parameter, uint256 value) private {
        (uint256 low, uint256 high) = bounds(parameter);
        if (value < low || value > high) revert OutOfBounds(parameter, value, low, high);
        _values[parameter] = value;
        emit ParameterSet(parameter, value);
    }
}
