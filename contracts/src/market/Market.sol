// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {PausableUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/PausableUpgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {Deposits} from "../token/Deposits.sol";
import {HoldToken} from "../token/HoldToken.sol";
import {Challenges} from "./Challenges.sol";
import {IMarket} from "./IMarket.sol";
import {Providers} from "./Providers.sol";
import {OWN_BPS, Stake} from "./Stake.sol";

/// @title The storage market: owners escrow the full price, providers earn it window by proven window
/// @notice States, callers and money flows: docs/spec/market.md. Nothing here can be stopped but new agreements and new
/// fills; whoever has money in the market can always take it out.
contract Market is IMarket, Governed, EIP712Upgradeable, PausableUpgradeable, ReentrancyGuardTransient {
    using SafeERC20 for HoldToken;
    using SafeCast for uint256;

    /// @notice May pause new agreements and fills: the guardian.
    bytes32 public constant GUARDIAN_ROLE = keccak256("GUARDIAN");
    /// @notice May take a slot from a provider that lost a dispute about it.
    bytes32 public constant DISPUTE_ROLE = keccak256("DISPUTE");
    /// @notice Most slots of an agreement.
    uint256 public constant SLOT_LIMIT = 1_024;
    uint256 private constant BPS = 10_000;
    /// @dev Most windows that a provider holds a slot: they are counted when it leaves, and that must fit a block.
    uint256 private constant TENURE_LIMIT = 1 << 19;
    bytes32 private constant APPROVAL_TYPE =
        keccak256("SlotApproval(uint256 agreement,uint256 index,address provider,bytes32 root,bytes32 cellRoot)");

    HoldToken public token;
    Providers public providers;
    Stake public stake;
    Challenges public challenges;
    Parameters public parameters;
    /// @notice Number of agreements; ids count from 1.
    uint256 public agreements;
    mapping(uint256 agreement => Agreement) private _agreements;
    mapping(uint256 agreement => mapping(uint256 index => Slot)) private _slots;
    /// @notice What an owner may take out.
    mapping(address owner => uint256) public credits;
    Ledger private _ledger;

    function initialize(
        address admin,
        HoldToken token_,
        Providers providers_,
        Stake stake_,
        Challenges challenges_,
        Parameters parameters_
    ) external initializer {
        _initializeGoverned(admin);
        __EIP712_init("Holdfast Market", "1");
        (token, providers, stake, challenges, parameters) = (token_, providers_, stake_, challenges_, parameters_);
    }

    // --- Owners ---

    /// @notice Opens an agreement from the next window on, and takes its full price into escrow.
    function open(Terms calldata terms) external nonReentrant whenNotPaused returns (uint256 agreement) {
        _checkTerms(terms);
        agreement = ++agreements;
        Agreement storage it = _agreements[agreement];
        uint256 end = challenges.currentWindow() + 1 + terms.windows;
        (it.owner, it.end, it.terms) = (msg.sender, end.toUint32(), terms);
        emit AgreementOpened(agreement, msg.sender, terms, end);
        _escrow(it, uint256(terms.price) * terms.slots * terms.windows);
    }

    /// @notice Adds windows to an agreement that still takes refills, and their price. Each provider decides whether it renews.
    /// Later no reserved slot can be refilled, and its bond, which returns then, must not burn for windows that came too late.
    function extend(uint256 agreement, uint32 windows) external nonReentrant whenNotPaused {
        Agreement storage it = _owned(agreement);
        uint256 current = challenges.currentWindow();
        uint256 end = uint256(it.end) + windows;
        if (it.end <= current + 1) _refuse(agreement, 0);
        if (windows == 0 || end > current + parameters.get(Parameter.LongestWindows)) revert BadTerms(Term.Windows);
        it.end = end.toUint32();
        emit AgreementExtended(agreement, end);
        _escrow(it, uint256(it.terms.price) * it.terms.slots * windows);
    }

    /// @notice Ends an agreement after the notice time. What is not earned by then returns with `close`.
    function cancel(uint256 agreement) external {
        Agreement storage it = _owned(agreement);
        uint256 end = challenges.currentWindow() + 1 + parameters.get(Parameter.NoticeWindows);
        if (it.end <= end) _refuse(agreement, 0);
        it.end = end.toUint32();
        emit AgreementCancelled(agreement, end);
    }

    /// @notice Closes an agreement that is over and that no provider holds a slot of; credits the rest to its owner. Repair
    /// rewards nobody earned are burned: an owner never gains by a provider's failure.
    function close(uint256 agreement) external nonReentrant {
        Agreement storage it = _known(agreement);
        if (it.closed || it.active != 0 || challenges.currentWindow() < it.end) _refuse(agreement, 0);
        (uint256 rest, uint256 pots) = (it.escrow, it.pots);
        (it.closed, it.escrow, it.pots) = (true, 0, 0);
        _burn(pots);
        _credit(it.owner, rest);
        emit AgreementClosed(agreement, rest);
    }

    /// @notice Pays out the caller's credit.
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = credits[msg.sender];
        credits[msg.sender] = 0;
        _ledger.refunded += amount.toUint128();
        token.safeTransfer(msg.sender, amount);
    }

    // --- Providers ---

    /// @notice Takes an empty slot. The owner has signed the roots, after it checked them against its own bytes.
    function fill(
        uint256 agreement,
        uint256 index,
        address provider,
        bytes32 root,
        bytes32 cellRoot,
        bytes calldata approval
    ) external nonReentrant whenNotPaused {
        Slot storage slot = _running(agreement, index);
        if (slot.state != State.Empty) _refuse(agreement, index);
        bytes32 digest = approvalDigest(agreement, index, provider, root, cellRoot);
        address owner = _agreements[agreement].owner;
        if (!SignatureChecker.isValidSignatureNow(owner, digest, approval)) revert NotApproved(agreement, index);
        slot.cellRoot = cellRoot;
        _take(agreement, index, provider, root);
    }

    /// @notice Reserves a slot that lost its provider, or that its provider offers, before buying what rebuilds it. The bond
    /// burns if no refill follows in time.
    function reserve(uint256 agreement, uint256 index, address provider) external nonReentrant whenNotPaused {
        Slot storage slot = _running(agreement, index);
        bool open_ = slot.state == State.Freed || (slot.state == State.Active && slot.offered);
        if (!open_ || provider == slot.provider) _refuse(agreement, index);
        if (slot.reserver != address(0)) {
            if (slot.disputed || block.number <= slot.reservedTo) _refuse(agreement, index);
            _endReservation(agreement, index, slot, true);
        }
        _requireTaker(provider);
        uint256 bond =
            Math.mulDiv(_agreements[agreement].terms.collateral, parameters.get(Parameter.ReservationBondBps), BPS);
        challenges.judge(provider, address(0));
        slot.bondUnits = stake.lock(provider, bond).toUint128();
        slot.reserver = provider;
        _startClock(slot);
        emit SlotReserved(agreement, index, provider, slot.reservedTo);
    }

    /// @notice Refills a reserved slot with the rebuilt shard under a circuit root of the refiller's own; the SHA-256 root
    /// stays, and disputes are settled against it. No pause stops it: a bond depends on it.
    function refill(uint256 agreement, uint256 index, bytes32 root) external nonReentrant {
        Slot storage slot = _running(agreement, index);
        address provider = slot.reserver;
        if (provider == address(0) || block.number > slot.reservedTo) _refuse(agreement, index);
        if (slot.state == State.Active) _leave(agreement, index, Leave.HandedOver);
        _endReservation(agreement, index, slot, false);
        _take(agreement, index, provider, root);
    }

    /// @notice Ends a reservation that ran out: its bond burns, unless nobody could refill the slot any more.
    function expireReservation(uint256 agreement, uint256 index) external nonReentrant {
        Slot storage slot = _slot(agreement, index);
        if (slot.reserver == address(0) || slot.disputed || block.number <= slot.reservedTo) {
            _refuse(agreement, index);
        }
        bool refillable = slot.state == State.Freed || (slot.state == State.Active && slot.offered);
        _endReservation(agreement, index, slot, refillable && slot.reservedTo < _lastBlock(agreement));
    }

    /// @notice Pays a slot's provider for what it proved since the last time. Anybody may call.
    function settle(uint256 agreement, uint256 index) external nonReentrant {
        Slot storage slot = _active(agreement, index);
        _settle(agreement, index, slot, challenges.firstOpen(slot.provider));
    }

    /// @notice Accepts the agreement's extended end for a slot.
    function renew(uint256 agreement, uint256 index) external {
        Slot storage slot = _active(agreement, index);
        providers.requireOperator(slot.provider, msg.sender);
        uint256 end = _agreements[agreement].end;
        bool over = challenges.currentWindow() >= _end(agreement, slot);
        bool longest = end > slot.from + TENURE_LIMIT;
        if (over || longest || end <= slot.end || !stake.covered(slot.provider)) _refuse(agreement, index);
        slot.end = end.toUint32();
        emit SlotRenewed(agreement, index, end);
    }

    /// @notice Offers a slot to whoever reserves and refills it, or takes the offer back. Until then its provider goes on.
    function offer(uint256 agreement, uint256 index, bool offered) external {
        Slot storage slot = _active(agreement, index);
        providers.requireOperator(slot.provider, msg.sender);
        if (slot.reserver != address(0)) _refuse(agreement, index);
        slot.offered = offered;
        emit SlotOffered(agreement, index, offered);
    }

    /// @notice Declares a slot lost, for less than being caught costs.
    function declareFault(uint256 agreement, uint256 index) external nonReentrant {
        providers.requireOperator(_active(agreement, index).provider, msg.sender);
        _leave(agreement, index, Leave.DeclaredFault);
    }

    /// @notice Takes a slot whose time is over from its provider, and settles what the agreement promised. Anybody may call.
    function finish(uint256 agreement, uint256 index) external nonReentrant {
        Slot storage slot = _active(agreement, index);
        if (challenges.currentWindow() < _end(agreement, slot)) _refuse(agreement, index);
        _leave(agreement, index, Leave.Finished);
    }

    /// @notice Takes a slot from a provider that missed too many windows. Anybody may call.
    function evict(uint256 agreement, uint256 index) external nonReentrant {
        address provider = _active(agreement, index).provider;
        challenges.judge(provider, msg.sender);
        if (!challenges.bookOf(provider).evicted) _refuse(agreement, index);
        _leave(agreement, index, Leave.Failed);
    }

    // --- Disputes and the guardian ---

    /// @notice Holds a provider to a slot while a dispute about it runs, or lets it go.
    function setDisputed(uint256 agreement, uint256 index, bool disputed) external onlyRole(DISPUTE_ROLE) {
        Slot storage slot = _slot(agreement, index);
        slot.disputed = disputed;
        if (slot.reserver != address(0)) _startClock(slot); // Meanwhile it could not refill the slot.
        emit SlotDisputed(agreement, index, disputed);
    }

    /// @notice Takes a slot from a provider that could not show the cells asked for.
    function fail(uint256 agreement, uint256 index) external nonReentrant onlyRole(DISPUTE_ROLE) {
        _active(agreement, index);
        _leave(agreement, index, Leave.Failed);
    }

    /// @notice Stops new agreements, extensions, fills and reservations, and nothing else.
    function pause() external onlyRole(GUARDIAN_ROLE) {
        _pause();
    }

    /// @notice Ends the pause. The guardian may, and so may governance, so that a guardian cannot close the market for ever.
    function unpause() external {
        if (!hasRole(DEFAULT_ADMIN_ROLE, msg.sender)) _checkRole(GUARDIAN_ROLE);
        _unpause();
    }

    // --- What is known ---

    function agreementOf(uint256 agreement) external view returns (Agreement memory) {
        return _agreements[agreement];
    }

    function slotOf(uint256 agreement, uint256 index) external view returns (Slot memory) {
        return _slots[agreement][index];
    }

    function ledger() external view returns (Ledger memory) {
        return _ledger;
    }

    /// @notice The key of a slot in its provider's set.
    function keyOf(uint256 agreement, uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode(agreement, index));
    }

    /// @notice What an owner signs for a slot.
    function approvalDigest(uint256 agreement, uint256 index, address provider, bytes32 root, bytes32 cellRoot)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(APPROVAL_TYPE, agreement, index, provider, root, cellRoot)));
    }

    // --- Inside ---

    function _checkTerms(Terms calldata terms) private view {
        if (terms.slots == 0 || terms.slots > SLOT_LIMIT) revert BadTerms(Term.Slots);
        if (terms.threshold == 0 || terms.threshold > terms.slots) revert BadTerms(Term.Threshold);
        if (terms.slotBytes == 0) revert BadTerms(Term.SlotBytes);
        if (terms.windows == 0 || terms.windows > parameters.get(Parameter.LongestWindows)) {
            revert BadTerms(Term.Windows);
        }
        if (terms.price == 0 || terms.price > type(uint64).max * uint256(1e9)) revert BadTerms(Term.Price);
        uint256 least = uint256(terms.price) * parameters.get(Parameter.CollateralWindows);
        if (terms.collateral < least || terms.collateral > type(uint96).max) revert BadTerms(Term.Collateral);
        if (terms.repairReward > terms.collateral) revert BadTerms(Term.RepairReward);
        if (terms.refund > terms.collateral) revert BadTerms(Term.Refund);
        if (terms.slaBps > BPS) revert BadTerms(Term.SlaBps);
    }

    function _escrow(Agreement storage it, uint256 amount) private {
        it.escrow += amount.toUint128();
        _ledger.received += amount.toUint128();
        Deposits.take(token, amount);
    }

    function _requireTaker(address provider) private view {
        providers.requireOperator(provider, msg.sender);
        if (!providers.takesSlots(provider)) revert TakesNoSlots(provider);
    }

    function _take(uint256 agreement, uint256 index, address provider, bytes32 root) private {
        _requireTaker(provider);
        Agreement storage it = _agreements[agreement];
        Slot storage slot = _slots[agreement][index];
        // Past misses are judged as the slot enters the set, and so before its collateral is there to pay for them.
        uint256 from = challenges.add(provider, keyOf(agreement, index), root);
        slot.units = stake.lock(provider, it.terms.collateral).toUint128();
        (slot.provider, slot.state) = (provider, State.Active);
        (slot.from, slot.settledTo, slot.end) = (from.toUint32(), from.toUint32(), it.end);
        it.active += 1;
        emit SlotFilled(agreement, index, provider, root, slot.cellRoot, from);
    }

    /// @dev Pays for the windows proven from `settledTo` on, before `to` and before the slot's end.
    function _settle(uint256 agreement, uint256 index, Slot storage slot, uint256 to) private {
        to = Math.min(to, _end(agreement, slot));
        if (to <= slot.settledTo) return;
        (uint256 proven,) = challenges.tally(slot.provider, slot.settledTo, to);
        slot.settledTo = to.toUint32();
        Agreement storage it = _agreements[agreement];
        uint256 amount = proven * it.terms.price;
        it.escrow -= amount.toUint128();
        if (proven != 0 && slot.pot != 0) {
            amount += slot.pot;
            it.pots -= slot.pot;
            slot.pot = 0;
        }
        emit SlotSettled(agreement, index, proven, amount);
        if (amount == 0) return;
        _ledger.paid += amount.toUint128();
        token.safeTransfer(address(stake), amount);
        stake.reward(slot.provider, amount);
    }

    /// @dev Ends a provider's hold of a slot: judges, pays, seizes, releases.
    function _leave(uint256 agreement, uint256 index, Leave why) private {
        Agreement storage it = _agreements[agreement];
        Slot storage slot = _slots[agreement][index];
        address provider = slot.provider;
        if (slot.disputed && why != Leave.Failed) _refuse(agreement, index);
        bool lost = why == Leave.DeclaredFault || why == Leave.Failed;
        (uint256 to, bool evicted) = challenges.remove(provider, keyOf(agreement, index), lost);
        // It is too late then to declare a fault, or to hand over what may be lost.
        if (evicted && why != Leave.Finished) (why, lost) = (Leave.Failed, true);
        _settle(agreement, index, slot, to);
        uint256 due = _breaches(agreement, slot, to, lost) * it.terms.refund;
        (uint256 burned, uint256 reward, uint256 refund) = _seize(it.terms, slot, provider, why, due);
        it.active -= 1;
        (slot.units, slot.offered) = (0, false);
        slot.state = why == Leave.Finished && slot.end >= it.end ? State.Done : State.Freed;
        if (reward != 0) {
            slot.pot += reward.toUint128();
            it.pots += reward.toUint128();
        }
        _ledger.received += (burned + reward + refund).toUint128();
        _burn(burned);
        _credit(it.owner, refund);
        emit SlotLeft(agreement, index, provider, why, burned, reward, refund);
    }

    /// @dev How often a slot broke its agreement: windows missed beyond the share that is allowed, and a loss.
    function _breaches(uint256 agreement, Slot storage slot, uint256 to, bool lost) private view returns (uint256) {
        to = Math.min(to, _end(agreement, slot));
        (uint256 proven, uint256 missed) =
            to > slot.from ? challenges.tally(slot.provider, slot.from, to) : (uint256(0), uint256(0));
        uint256 allowed = (proven + missed) * (BPS - _agreements[agreement].terms.slaBps) / BPS;
        return (missed > allowed ? missed - allowed : 0) + (lost ? 1 : 0);
    }

    /// @dev Takes what is due out of the slot's collateral and releases the rest. After a loss the burn exceeds the reward.
    /// Without one no more is refunded than the provider's own stake covers: else it could pay itself with what others staked.
    function _seize(Terms storage terms, Slot storage slot, address provider, Leave why, uint256 due)
        private
        returns (uint256 burned, uint256 reward, uint256 refund)
    {
        uint256 take = stake.collateralOf(provider, slot.units);
        if (why == Leave.Finished || why == Leave.HandedOver) {
            return (0, 0, stake.release(provider, slot.units, Math.min(due, take * OWN_BPS / BPS)));
        }
        take = take * parameters.get(why == Leave.Failed ? Parameter.FailPenaltyBps : Parameter.FaultPenaltyBps) / BPS;
        take = stake.release(provider, slot.units, take);
        reward = Math.min(terms.repairReward, take * parameters.get(Parameter.RewardShareBps) / BPS);
        refund = Math.min(due, take * parameters.get(Parameter.RefundShareBps) / BPS);
        burned = take - reward - refund;
    }

    function _endReservation(uint256 agreement, uint256 index, Slot storage slot, bool burns) private {
        challenges.judge(slot.reserver, address(0));
        uint256 taken = stake.release(slot.reserver, slot.bondUnits, burns ? type(uint256).max : 0);
        (slot.reserver, slot.bondUnits, slot.reservedTo) = (address(0), 0, 0);
        _ledger.received += taken.toUint128();
        _burn(taken);
        emit ReservationEnded(agreement, index, taken);
    }

    function _startClock(Slot storage slot) private {
        slot.reservedTo = (block.number + parameters.get(Parameter.ReservationBlocks)).toUint64();
    }

    function _credit(address owner, uint256 amount) private {
        if (amount == 0) return;
        credits[owner] += amount;
        emit Credited(owner, amount);
    }

    function _burn(uint256 amount) private {
        if (amount == 0) return;
        _ledger.burned += amount.toUint128();
        token.burn(amount);
    }

    /// @dev One place for what many places do: the bytecode has little room left.
    function _refuse(uint256 agreement, uint256 index) private pure {
        revert WrongState(agreement, index);
    }

    function _known(uint256 agreement) private view returns (Agreement storage it) {
        it = _agreements[agreement];
        if (it.owner == address(0)) revert Unknown(agreement, 0);
    }

    function _owned(uint256 agreement) private view returns (Agreement storage it) {
        it = _known(agreement);
        if (it.owner != msg.sender) revert NotOwner(msg.sender);
    }

    function _slot(uint256 agreement, uint256 index) private view returns (Slot storage) {
        if (index >= _known(agreement).terms.slots) revert Unknown(agreement, index);
        return _slots[agreement][index];
    }

    /// @dev A slot of an agreement that has windows left.
    function _running(uint256 agreement, uint256 index) private view returns (Slot storage slot) {
        slot = _slot(agreement, index);
        if (challenges.currentWindow() + 1 >= _agreements[agreement].end) _refuse(agreement, index);
    }

    function _active(uint256 agreement, uint256 index) private view returns (Slot storage slot) {
        slot = _slot(agreement, index);
        if (slot.state != State.Active) _refuse(agreement, index);
    }

    /// @dev First window that a slot's provider is not paid for.
    function _end(uint256 agreement, Slot storage slot) private view returns (uint256) {
        return Math.min(slot.end, _agreements[agreement].end);
    }

    /// @dev First block of the agreement's last window.
    function _lastBlock(uint256 agreement) private view returns (uint256) {
        return challenges.genesis() + uint256(_agreements[agreement].end - 1) * challenges.windowBlocks();
    }
}
