// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Challenges} from "../../src/market/Challenges.sol";
import {IMarket} from "../../src/market/IMarket.sol";
import {Stake} from "../../src/market/Stake.sol";
import {World} from "../support/World.sol";

/// @dev Owners, providers, delegators, repairers and cheaters, all acting at random. Provider 0 is honest: it proves every
/// open window in time and lets nobody take that away; providers 1 and 2 prove or not as the dice fall; provider 3 also
/// sends wrong proofs.
contract Actors is World {
    uint256 internal constant PROVIDERS = 4;
    address internal constant DELEGATOR = address(0xDE1E);
    uint256 public agreements;
    /// @dev What the handler saw: proofs that were accepted, and wrong ones that were.
    mapping(address provider => mapping(uint256 window => bool)) public accepted;
    uint256 public wrongAccepted;
    mapping(string what => uint256) public done;
    /// @dev The path of any cell of a slot of zeros, and its root.
    bytes32[] private zeros;
    bytes32 private zeroRoot;

    constructor() {
        deploy();
        for (uint256 i = 0; i < PROVIDERS; i++) {
            newProvider(key(i), 3_000e18);
        }
        zeroRoot = sha256(abi.encodePacked(uint8(0), new bytes(496)));
        for (uint256 level = 0; level < 7; level++) {
            bytes memory children = abi.encodePacked(uint8(1));
            for (uint256 child = 0; child < 8; child++) {
                if (child < 7) zeros.push(zeroRoot);
                children = abi.encodePacked(children, zeroRoot);
            }
            zeroRoot = sha256(children);
        }
        for (uint256 i = 0; i < 2; i++) {
            newAgreement(1e18);
        }
        fillAny(0, 0, 0);
    }

    function key(uint256 i) internal pure returns (uint256) {
        return 0xB0001 + i % PROVIDERS;
    }

    /// @dev One of the latest agreements: older ones are mostly over.
    function pick(uint256 id) private view returns (uint256) {
        return agreements - id % (agreements < 3 ? agreements : 3);
    }

    /// @dev The first slot from a random place on that is in a state; the random place itself if none is.
    function find(uint256 id, uint256 index, bool reserved, IMarket.State state)
        private
        view
        returns (uint256, uint256)
    {
        for (uint256 step = 0; step < 12; step++) {
            IMarket.Slot memory slot = market.slotOf(pick(id + step / 4), (index + step) % 4);
            bool fits = slot.state == state || (state == IMarket.State.Freed && slot.offered);
            if (fits && reserved == (slot.reserver != address(0))) return (pick(id + step / 4), (index + step) % 4);
        }
        return (pick(id), index % 4);
    }

    /// @dev Who operates the provider of a slot.
    function holder(uint256 id, uint256 index) private view returns (address) {
        return providers.operatorOf(market.slotOf(id, index).provider);
    }

    // --- Time ---

    /// @dev Blocks pass; the honest provider proves whatever it must before they do.
    function pass(uint256 blocks) public {
        blocks = bound(blocks, 1, WINDOW);
        for (uint256 i = 0; i < blocks; i++) {
            vm.roll(block.number + 1);
            // Three of four windows are opened as soon as they can be.
            bool first = (block.number - challenges.genesis()) % WINDOW == 1;
            if (first && challenges.currentWindow() % 4 != 3) openIt();
            beHonest();
        }
    }

    function openIt() public {
        uint256 window = challenges.currentWindow();
        uint256 first = challenges.genesis() + window * WINDOW;
        vm.setBlockhash(first, keccak256(abi.encode("block", window)));
        try challenges.openWindow(window, "") {
            done["opened"]++;
        } catch {}
        beHonest();
    }

    function beHonest() private {
        address provider = peer(key(0));
        uint256 window = challenges.currentWindow();
        (, uint256 deadline) = challenges.openedWindow(window);
        Challenges.Book memory book = challenges.bookOf(provider);
        bool must = book.count != 0 && window >= book.obligedFrom && deadline >= block.number;
        if (must && !accepted[provider][window]) sendProof(provider, window);
        // The others prove most windows, and the rest when proveMaybe says so.
        for (uint256 who = 0; who < 3; who++) {
            if (uint256(keccak256(abi.encode(window, who))) % (who == 2 ? 2 : 6) != 0) proveMaybe(who);
        }
    }

    function sendProof(address provider, uint256 window) private {
        challenges.submitProof(window, submission(window, provider));
        accepted[provider][window] = true;
        done["proven"]++;
    }

    // --- Providers ---

    function proveMaybe(uint256 who) public {
        address provider = peer(key(1 + who % 3));
        uint256 window = challenges.currentWindow();
        Challenges.Book memory book = challenges.bookOf(provider);
        (, uint256 deadline) = challenges.openedWindow(window);
        bool may = book.count != 0 && !book.evicted && window >= book.obligedFrom && deadline >= block.number;
        if (may && !accepted[provider][window]) sendProof(provider, window);
    }

    function cheat(uint256 who, uint256 wrong) public {
        address provider = peer(key(3));
        uint256 window = challenges.currentWindow();
        if (challenges.bookOf(provider).count == 0) return;
        Challenges.Submission memory lie = submission(window, who % 2 == 0 ? provider : peer(key(1)));
        lie.provider = provider;
        if (who % 2 == 0) lie.proof[wrong % 8] ^= 1 << (wrong % 250);
        try challenges.submitProof(window, lie) {
            if (who % 2 == 0) wrongAccepted++;
        } catch {
            done["lies refused"]++;
        }
    }

    function fillAny(uint256 id, uint256 index, uint256 who) public {
        (id, index) = find(id % 3, index % 4, false, IMarket.State.Empty);
        uint256 k = key(who);
        bytes32 root = rootFor(id, index, peer(k));
        bytes32 digest = market.approvalDigest(id, index, peer(k), root, zeroRoot);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest);
        vm.prank(operator(k));
        try market.fill(id, index, peer(k), root, zeroRoot, abi.encodePacked(r, s, v)) {
            done["filled"]++;
        } catch {}
    }

    function declare(uint256 id, uint256 index, uint256 who) public {
        id = pick(id);
        address caller = who % 8 == 0 ? operator(key(1)) : holder(id, index % 4);
        if (caller == operator(key(0))) return;
        vm.prank(caller);
        try market.declareFault(id, index % 4) {
            done["declared"]++;
        } catch {}
    }

    function offer(uint256 id, uint256 index, uint256 who) public {
        vm.prank(holder(pick(id), index % 4));
        try market.offer(pick(id), index % 4, who % 8 < 6) {
            done["offered"]++;
        } catch {}
    }

    function reserve(uint256 id, uint256 index, uint256 who) public {
        (id, index) = find(id % 3, index % 4, false, IMarket.State.Freed);
        vm.prank(operator(key(who)));
        try market.reserve(id, index, peer(key(who))) {
            done["reserved"]++;
        } catch {}
    }

    function refill(uint256 id, uint256 index, uint256 who) public {
        (id, index) = find(id % 3, index % 4, true, IMarket.State.Freed);
        address reserver = who % 4 == 0 ? peer(key(who)) : market.slotOf(id, index).reserver;
        vm.prank(providers.operatorOf(reserver));
        try market.refill(id, index, rootFor(id, index, reserver)) {
            done["refilled"]++;
        } catch {}
    }

    function expire(uint256 id, uint256 index) public {
        (id, index) = find(id % 3, index % 4, true, IMarket.State.Freed);
        try market.expireReservation(id, index) {
            done["expired"]++;
        } catch {}
    }

    function judge(uint256 who) public {
        challenges.judge(peer(key(who)), REPORTER);
    }

    function evict(uint256 id, uint256 index) public {
        try market.evict(pick(id), index % 4) {
            done["evicted"]++;
        } catch {}
    }

    function settle(uint256 id, uint256 index) public {
        try market.settle(pick(id), index % 4) {
            done["settled"]++;
        } catch {}
    }

    function finish(uint256 id, uint256 index) public {
        try market.finish(pick(id), index % 4) {
            done["finished"]++;
        } catch {}
    }

    // --- Disputes: all cells of these slots are zeros, so whoever wants to can answer ---

    function dispute(uint256 id, uint256 index) public {
        id = pick(id);
        IMarket.Slot memory slot = market.slotOf(id, index % 4);
        if (slot.provider == peer(key(0))) return;
        give(DELEGATOR, 20_000e18);
        vm.startPrank(DELEGATOR);
        token.approve(address(disputes), type(uint256).max);
        try disputes.open(id, index % 4, new uint32[](1)) {
            done["disputed"]++;
        } catch {}
        vm.stopPrank();
    }

    function answer(uint256 id, uint256 index) public {
        bytes[] memory cells = new bytes[](1);
        bytes32[][] memory paths = new bytes32[][](1);
        (cells[0], paths[0]) = (new bytes(496), zeros);
        try disputes.answer(pick(id), index % 4, new uint32[](1), cells, paths) {
            done["answered"]++;
        } catch {}
    }

    function conclude(uint256 id, uint256 index) public {
        try disputes.conclude(pick(id), index % 4) {
            done["lost"]++;
        } catch {}
        try disputes.void(pick(id), index % 4) {
            done["void"]++;
        } catch {}
    }

    function withdrawBond() public {
        vm.prank(DELEGATOR);
        disputes.withdraw();
    }

    // --- Owners ---

    function newAgreement(uint256 price) public {
        if (agreements >= 40 || (agreements >= 2 && price % 4 != 0)) return;
        IMarket.Terms memory wanted = terms();
        wanted.price = uint128(bound(price, 1e15, 1e18));
        wanted.windows = uint32(8 + price % 12);
        openAgreement(wanted);
        agreements++;
    }

    function cancel(uint256 id) public {
        vm.prank(owner);
        try market.cancel(pick(id)) {
            done["cancelled"]++;
        } catch {}
    }

    function close(uint256 id) public {
        try market.close(pick(id)) {
            done["closed"]++;
        } catch {}
    }

    function withdrawCredit() public {
        vm.prank(owner);
        market.withdraw();
    }

    // --- Delegators ---

    function delegate(uint256 who, uint256 amount) public {
        stakeOn(peer(key(1 + who % 3)), DELEGATOR, bound(amount, 1, 1_000e18));
    }

    function unbond(uint256 who, uint256 shares) public {
        address provider = peer(key(1 + who % 3));
        Stake.Position memory position = stake.positionOf(provider, DELEGATOR);
        uint256 free = position.shares - position.unbonding;
        if (free == 0) return;
        vm.prank(DELEGATOR);
        stake.unbond(provider, bound(shares, 1, free));
    }

    function withdrawStake(uint256 who) public {
        vm.prank(DELEGATOR);
        try stake.withdraw(peer(key(1 + who % 3))) {
            done["withdrawn"]++;
        } catch {}
    }

    // --- What must hold ---

    function checkConservation() external view {
        IMarket.Ledger memory ledger = market.ledger();
        uint256 held = market.credits(owner);
        for (uint256 id = 1; id <= agreements; id++) {
            IMarket.Agreement memory it = market.agreementOf(id);
            held += it.escrow + it.pots;
        }
        uint256 balance = token.balanceOf(address(market));
        vm.assertEq(balance, held, "what the market holds is escrow, rewards set aside and credits");
        uint256 gone = uint256(ledger.paid) + ledger.burned + ledger.refunded;
        vm.assertEq(ledger.received, balance + gone, "received = held + paid + burned + refunded");
        uint256 bonds = disputes.credits(DELEGATOR);
        for (uint256 i = 0; i < PROVIDERS; i++) {
            bonds += disputes.credits(operator(key(i)));
        }
        for (uint256 id = 1; id <= agreements; id++) {
            for (uint256 index = 0; index < 4; index++) {
                bonds += disputes.disputeOf(id, index).bond;
            }
        }
        vm.assertEq(token.balanceOf(address(disputes)), bonds, "what disputes hold is bonds and credits");
    }

    function checkStake() external view {
        uint256 pools = 0;
        for (uint256 i = 0; i < PROVIDERS; i++) {
            address provider = peer(key(i));
            Stake.Pool memory pool = stake.poolOf(provider);
            pools += uint256(pool.assets) + pool.fees;
            vm.assertGe(pool.assets, pool.lockedAssets, "collateral is there");
            vm.assertGe(pool.shares, pool.unbondingShares, "shares");
            uint256 worth = stake.worthOf(provider, operator(key(i))) + stake.worthOf(provider, DELEGATOR);
            vm.assertLe(worth, pool.assets, "nobody owns what is not there");
            checkUnits(provider, pool);
        }
        vm.assertEq(token.balanceOf(address(stake)), pools, "the pools' money is there, no more and no less");
    }

    function checkUnits(address provider, Stake.Pool memory pool) private view {
        (uint256 units, uint256 slots) = (0, 0);
        for (uint256 id = 1; id <= agreements; id++) {
            for (uint256 index = 0; index < 4; index++) {
                IMarket.Slot memory slot = market.slotOf(id, index);
                bool holds = slot.provider == provider && slot.state == IMarket.State.Active;
                if (holds) (units, slots) = (units + slot.units, slots + 1);
                if (slot.reserver == provider) units += slot.bondUnits;
            }
        }
        vm.assertEq(units, pool.lockedUnits, "every unit belongs to a slot or a bond");
        vm.assertEq(challenges.bookOf(provider).count, slots, "and every slot is in its provider's set");
    }

    function checkHonest() external view {
        address provider = peer(key(0));
        vm.assertEq(challenges.bookOf(provider).level, 0, "the honest provider missed nothing");
        vm.assertTrue(!challenges.bookOf(provider).evicted, "and is not evicted");
    }

    function checkPayments() external view {
        for (uint256 id = 1; id <= agreements; id++) {
            for (uint256 index = 0; index < 4; index++) {
                IMarket.Slot memory slot = market.slotOf(id, index);
                if (slot.provider == address(0)) continue;
                (uint256 proven,) = challenges.tally(slot.provider, slot.from, slot.settledTo);
                uint256 seen = 0;
                for (uint256 window = slot.from; window < slot.settledTo; window++) {
                    if (accepted[slot.provider][window]) seen++;
                }
                vm.assertEq(proven, seen, "what is paid was proven");
            }
        }
        vm.assertEq(wrongAccepted, 0, "no wrong proof was accepted");
    }
}

contract InvariantsTest is World {
    Actors internal actors;
    bytes4[] internal moves;

    function setUp() public {
        actors = new Actors();
        moves = [
            Actors.pass.selector,
            Actors.pass.selector,
            Actors.openIt.selector,
            Actors.proveMaybe.selector,
            Actors.proveMaybe.selector,
            Actors.cheat.selector,
            Actors.fillAny.selector,
            Actors.fillAny.selector,
            Actors.declare.selector,
            Actors.offer.selector,
            Actors.reserve.selector,
            Actors.refill.selector,
            Actors.expire.selector,
            Actors.judge.selector,
            Actors.evict.selector,
            Actors.settle.selector,
            Actors.finish.selector,
            Actors.newAgreement.selector,
            Actors.cancel.selector,
            Actors.close.selector,
            Actors.withdrawCredit.selector,
            Actors.delegate.selector,
            Actors.unbond.selector,
            Actors.withdrawStake.selector,
            Actors.dispute.selector,
            Actors.answer.selector,
            Actors.conclude.selector,
            Actors.withdrawBond.selector
        ];
        targetContract(address(actors));
        targetSelector(FuzzSelector({addr: address(actors), selectors: moves}));
    }

    /// @dev Money is conserved, no honest provider is slashed, only proofs are paid, nobody owns what is not there.
    function invariant_the_promises_hold() public view {
        actors.checkConservation();
        actors.checkStake();
        actors.checkHonest();
        actors.checkPayments();
    }

    /// @dev One long walk, so that it can be said that everything an actor can do was done, and that all held throughout.
    function test_a_long_walk_does_everything_and_breaks_nothing() public {
        uint256 dice = 1;
        for (uint256 step = 0; step < 3_000; step++) {
            dice = uint256(keccak256(abi.encode(dice)));
            bytes memory data = abi.encodePacked(moves[dice % moves.length], dice >> 16, dice >> 32, dice >> 48);
            (bool ok,) = address(actors).call(data);
            if (step % 100 == 0) invariant_the_promises_hold();
            vm.assertTrue(ok || moves[dice % moves.length] != Actors.pass.selector, "time goes on");
        }
        invariant_the_promises_hold();
        string[18] memory deeds = [
            "opened",
            "proven",
            "lies refused",
            "filled",
            "declared",
            "offered",
            "reserved",
            "refilled",
            "expired",
            "evicted",
            "settled",
            "finished",
            "cancelled",
            "closed",
            "withdrawn",
            "disputed",
            "answered",
            "lost"
        ];
        for (uint256 i = 0; i < deeds.length; i++) {
            vm.assertGt(actors.done(deeds[i]), 0, deeds[i]);
        }
    }
}
