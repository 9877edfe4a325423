// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Parameter} from "../../../src/governance/Parameters.sol";
import {Challenges} from "../../../src/market/Challenges.sol";
import {IMarket} from "../../../src/market/IMarket.sol";
import {Providers} from "../../../src/market/Providers.sol";
import {Openings} from "../../support/Openings.sol";
import {World} from "../../support/World.sol";

/// @dev What actors do and what befalls them. The long walk fails if one of these never happened.
enum Deed {
    WindowOpened, // 0
    WindowPassedOver,
    Proven,
    ProvenInBatch,
    Missed,
    MissedToEviction, // 5
    AgreementOpened,
    AgreementExtended,
    AgreementCancelled,
    AgreementClosed,
    OwnerPaidOut, // 10
    Filled,
    Settled,
    Renewed,
    Offered,
    OfferTakenBack, // 15
    Declared,
    Evicted,
    EvictedUnderDispute,
    Finished,
    FinishedBeforeTheRenewedEnd, // 20
    RepairRewardPaid,
    FeesTaken,
    OperatorChanged,
    Reserved,
    ReservedOverOneThatRanOut, // 25
    Refilled,
    HandedOver,
    RefilledUnderAWrongRoot,
    ReservationBurned,
    ReservationEndedFree, // 30
    CellsDemanded,
    RootDoubted,
    CellsShown,
    RootUpheld,
    AnsweredAgain, // 35
    HonestDisputed,
    CellsNotShown,
    RootNotUpheld,
    DisputeVoid,
    BondPaidOut, // 40
    ChannelOpened,
    ChannelToppedUp,
    VoucherRedeemed,
    ClosedByProvider,
    CloseAnnounced, // 45
    CloseLapsed,
    ClosedByPayer,
    DeletionConfirmed,
    DeletionContradicted,
    Staked, // 50
    Unbonded,
    StakeWithdrawn,
    StakeKeptBack,
    SlashedWhileUnbonding,
    OthersSlashed, // 55
    Paused,
    LieRefused,
    ForgeryRefused,
    StrangerRefused,
    HasteRefused // 60
}

/// @dev Who acts, and what they remember. Provider 0 is honest: it proves every open window in time, answers every dispute,
/// refills what it reserved and redeems its vouchers, and nobody may take anything from it. Provider 1 is careless and changes
/// its operator; provider 2 stakes little of its own and the delegators the rest; provider 3 lies: it seldom proves, answers
/// nothing and refills under a wrong root; provider 4 repairs.
abstract contract Scene is World {
    uint256 internal constant PROVIDERS = 5;
    uint256 internal constant HONEST = 0;
    uint256 internal constant CARELESS = 1;
    uint256 internal constant THIN = 2;
    uint256 internal constant LIAR = 3;
    uint256 internal constant SLOTS = 3;
    uint256 internal constant COLLATERAL = 100e18;
    address internal constant STRANGER = address(0x57A6);

    /// @dev What happened before and after a call that may pay a slot's provider.
    struct Sight {
        uint256 windows;
        uint256 price;
        uint256 pot;
        uint256 pots;
        IMarket.Ledger ledger;
    }

    mapping(Deed deed => uint256) public done;
    address[PROVIDERS] internal people;
    uint256[2] internal ownerKeys = [0xA0001, 0xA0002];
    address[2] internal delegators = [address(0xDE1E), address(0xDE1F)];
    address[2] internal challengers = [address(0x4EAD), address(0x4EAE)];
    /// @dev Agreements that still hold money, a provider, a bond or a dispute.
    uint256[] internal live;
    /// @dev What an owner paid in for an agreement, less the price of every proof that the actors saw accepted and settled.
    mapping(uint256 agreement => uint256) internal escrowed;
    mapping(address provider => mapping(uint256 window => bool)) internal accepted;
    /// @dev All that owners ever took out.
    uint256 internal refunded;
    /// @dev Until when a provider sleeps, and proves nothing.
    uint256[PROVIDERS] internal asleepTo;
    /// @dev True while an action made the honest provider answer a second dispute, which costs it as much as the challenger.
    bool internal grieved;
    /// @dev True while an action paid stake out.
    bool internal tookOut;
    Openings.Shown[2] internal shown;
    uint256[8] internal shownElsewhere;
    bytes32 internal rightRoot;
    bytes32 internal wrongRoot;
    bytes32 internal cellRoot;
    uint256 private turns;

    constructor() {
        deploy();
        vm.startPrank(address(timelock));
        parameters.set(Parameter.UnbondingBlocks, 50);
        parameters.set(Parameter.DisputeBond, 1e18);
        vm.stopPrank();
        (rightRoot, wrongRoot, cellRoot) = (Openings.slotRoot(), Openings.wrongRoot(), Openings.cellRoot());
        for (uint256 i = 0; i < 2; i++) {
            shown[i] = Openings.shown(i);
        }
        shownElsewhere = Openings.elsewhere();
        uint256[PROVIDERS] memory own = [uint256(10_000e18), 5_000e18, 230e18, 3_000e18, 5_000e18];
        for (uint256 i = 0; i < PROVIDERS; i++) {
            people[i] = newProvider(key(i), own[i]);
            vm.prank(operator(key(i)));
            providers.setOffer(people[i], Providers.Offer("here", 1e12, 1e18, 1_000), "");
        }
        stakeOn(people[THIN], delegators[0], 400e18);
        stakeOn(people[HONEST], delegators[1], 500e18);
    }

    function key(uint256 i) internal pure returns (uint256) {
        return 0xB0001 + i;
    }

    /// @dev The two operators that a provider may have.
    function operators(uint256 i) internal pure returns (address[2] memory) {
        return [operator(key(i)), address(uint160(operator(key(i))) + 0x100000)];
    }

    function numberOf(address provider) internal view returns (uint256 i) {
        while (people[i] != provider) i++;
    }

    /// @dev The fuzzer repeats its numbers; no two turns throw the same dice.
    function thrown(uint256 dice) internal returns (uint256) {
        return uint256(keccak256(abi.encode(dice, turns++)));
    }

    /// @dev Another throw out of the same dice.
    function again(uint256 dice) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(dice)));
    }

    function fund(address account, address spender, uint256 amount) internal {
        give(account, amount);
        vm.prank(account);
        token.approve(spender, amount);
    }

    function signed(uint256 secret, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    // --- Slots ---

    /// @dev A slot, from a random place on, that fits.
    function find(uint256 dice, function(uint256, uint256, IMarket.Slot memory) view returns (bool) fits)
        internal
        view
        returns (bool, uint256, uint256)
    {
        uint256 places = live.length * SLOTS;
        for (uint256 step = 0; step < places; step++) {
            uint256 place = (dice % places + step) % places;
            (uint256 agreement, uint256 index) = (live[place / SLOTS], place % SLOTS);
            if (fits(agreement, index, market.slotOf(agreement, index))) return (true, agreement, index);
        }
        return (false, 0, 0);
    }

    function isHeld(uint256, uint256, IMarket.Slot memory slot) internal pure returns (bool) {
        return slot.state == IMarket.State.Active;
    }

    /// @dev True if the agreement takes fills, reservations and refills.
    function runs(uint256 agreement) internal view returns (bool) {
        return challenges.currentWindow() + 1 < market.agreementOf(agreement).end;
    }

    /// @dev True if a slot's provider is paid no more.
    function over(uint256 agreement, IMarket.Slot memory slot) internal view returns (bool) {
        uint256 end = market.agreementOf(agreement).end;
        return challenges.currentWindow() >= (slot.end < end ? slot.end : end);
    }

    /// @dev True if a provider's set may change now.
    function unfrozen(address provider) internal view returns (bool) {
        return challenges.firstOpen(provider) > challenges.currentWindow();
    }

    /// @dev True if a slot may leave its provider now.
    function mayLeave(address provider) internal view returns (bool) {
        return unfrozen(provider) || challenges.bookOf(provider).evicted;
    }

    /// @dev A provider that can hold one more slot: the one that the dice name, or else one of the dishonest.
    function taker(uint256 dice) internal returns (bool, uint256) {
        for (uint256 step = 0; step < PROVIDERS; step++) {
            uint256 i = (dice % PROVIDERS + step) % PROVIDERS;
            if ((step == 0 || i != HONEST) && mayTake(i, COLLATERAL, dice)) return (true, i);
        }
        return (false, 0);
    }

    /// @dev True if a provider can lock an amount and hold one more slot, after its past was judged.
    function mayTake(uint256 i, uint256 amount, uint256 dice) internal returns (bool) {
        judge(i, dice);
        address provider = people[i];
        if (!unfrozen(provider) || challenges.bookOf(provider).evicted) return false;
        return stake.freeStake(provider) >= amount;
    }

    /// @dev True if it can also when the collateral behind a bond is released before, or burned. If that is all it has locked, its
    /// next is backed by the operator that it has then, and not by the one that backed the bond.
    function mayTakeAfter(uint256 i, uint256 bondUnits, uint256 dice) internal returns (bool) {
        if (!mayTake(i, COLLATERAL, dice)) return false;
        address provider = people[i];
        if (stake.poolOf(provider).lockedUnits != bondUnits) return true;
        address by = providers.operatorOf(provider);
        bool leaves = stake.positionOf(provider, by).unbonding != 0;
        return !leaves && stake.worthOf(provider, by) >= COLLATERAL;
    }

    function judge(uint256 i, uint256 dice) internal {
        Challenges.Book memory before = challenges.bookOf(people[i]);
        challenges.judge(people[i], dice % 2 == 0 ? REPORTER : address(0));
        Challenges.Book memory book = challenges.bookOf(people[i]);
        if (book.lastMiss != before.lastMiss) done[Deed.Missed]++;
        if (book.evicted && !before.evicted) done[Deed.MissedToEviction]++;
    }

    // --- Money of slots ---

    /// @dev What settling a slot owes its provider, by the proofs that the actors saw accepted.
    function see(uint256 agreement, uint256 index) internal view returns (Sight memory it) {
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        IMarket.Agreement memory of_ = market.agreementOf(agreement);
        uint256 to = challenges.currentWindow() + 1;
        if (slot.end < to) to = slot.end;
        if (of_.end < to) to = of_.end;
        uint256 window = slot.settledTo < slot.from ? slot.from : slot.settledTo;
        for (; window < to; window++) {
            if (accepted[slot.provider][window]) it.windows++;
        }
        (it.price, it.pot, it.pots) = (of_.terms.price, it.windows == 0 ? 0 : slot.pot, of_.pots);
        it.ledger = market.ledger();
    }

    /// @dev Nothing was paid but the price of proofs, and the repair reward with the first; a loss burned more than it rewards.
    function paid(uint256 agreement, Sight memory before) internal {
        IMarket.Ledger memory ledger = market.ledger();
        uint256 price = before.windows * before.price;
        escrowed[agreement] -= price;
        vm.assertEq(ledger.paid - before.ledger.paid, price + before.pot, "paid is what was proven");
        if (before.pot != 0) done[Deed.RepairRewardPaid]++;
        uint256 reward = market.agreementOf(agreement).pots + before.pot - before.pots;
        uint256 burned = ledger.burned - before.ledger.burned;
        vm.assertTrue(reward == 0 || burned > reward, "a loss burns more than its repair is worth");
    }
}
