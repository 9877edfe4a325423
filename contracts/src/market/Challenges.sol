// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Governed} from "../governance/Governed.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {IProviderVerifier} from "../proof/IGroth16Verifier.sol";
import {DRAWS, FIELD, ProviderInputs} from "../proof/ProviderInputs.sol";
import {IRandomness} from "./Randomness.sol";
import {Stake} from "./Stake.sol";
import {WindowSets} from "./WindowSets.sol";

/// @title Windows, challenges and what providers proved
/// @notice Time is cut into windows of a fixed number of blocks. The first block of a window fixes its randomness;
/// anybody opens the window with it within `openBlocks`, and a provider then has `ResponseBlocks` to send one proof for all
/// its slots. Sixteen of them are drawn by the seed; the proof covers those. A window nobody opened counts for nobody.
/// @dev The set of a provider's slots cannot change from a window's first block until the provider has proven or can no
/// longer prove. Otherwise it could draw again by changing the set once it knows the seed.
contract Challenges is Governed {
    using WindowSets for WindowSets.Set;

    /// @notice What is known of one provider; fits one word.
    struct Book {
        uint32 count; // slots in its set
        uint32 version; // of the set: part of the seed
        uint32 obligedFrom; // first window that its set must prove
        uint32 judgedTo; // windows before this one are judged
        uint32 lastMiss;
        uint16 level; // how many misses weigh on it
        bool evicted; // too many: its slots may be taken away
    }

    /// @notice One provider's proof for one window.
    struct Submission {
        address provider;
        uint256 h; // hash of the roots, as the circuit computes it
        uint256[8] proof;
    }

    /// @notice May change the sets of slots: the market.
    bytes32 public constant MARKET_ROLE = keccak256("MARKET");
    /// @notice May note lost disputes.
    bytes32 public constant DISPUTE_ROLE = keccak256("DISPUTE");
    bytes32 private constant DOMAIN = keccak256("holdfast/window/1");
    uint256 private constant BPS = 10_000;
    /// @dev No miss costs more than this share of the collateral, whatever the level.
    uint256 private constant STEEPEST_BPS = 5_000;
    /// @dev Most misses, and most windows, that one call judges: so that it fits a block, however much is left.
    uint256 private constant JUDGED_MISSES = 64;
    uint256 private constant JUDGED_WINDOWS = 65_536;

    Parameters public parameters;
    Stake public stake;
    IProviderVerifier public verifier;
    IRandomness public randomness;
    /// @notice First block of window 0.
    uint64 public genesis;
    /// @notice Blocks of a window.
    uint64 public windowBlocks;
    /// @notice Blocks, from a window's second on, in which it can be opened.
    uint64 public openBlocks;
    /// @dev Window to 192 random bits and, below, the last block at which it can be proven.
    mapping(uint256 window => uint256) private _opened;
    WindowSets.Set private _openedSet;
    mapping(address provider => Book) private _books;
    mapping(address provider => bytes32[]) private _roots;
    mapping(address provider => bytes32[]) private _keys;
    mapping(bytes32 key => uint256) private _places;
    mapping(address provider => WindowSets.Set) private _proven;
    mapping(address provider => WindowSets.Set) private _missed;
    mapping(address provider => WindowSets.Set) private _faulted;
    mapping(address provider => WindowSets.Set) private _disputed;

    /// @notice A window can be proven, up to and including block `deadline`.
    event WindowOpened(uint256 indexed window, uint256 randomBits, uint256 deadline);
    /// @notice A provider proved its slots for a window.
    event ProofAccepted(address indexed provider, uint256 indexed window);
    /// @notice A provider missed a window and was penalised.
    event WindowMissed(address indexed provider, uint256 indexed window, uint256 level, uint256 penalty);
    /// @notice A provider missed too many windows; its slots may be taken from it.
    event Evicted(address indexed provider, uint256 indexed window);
    /// @notice A slot entered a provider's set, to be proven from `window` on; or left it.
    event SlotAdded(address indexed provider, bytes32 indexed key, uint256 window);
    event SlotRemoved(address indexed provider, bytes32 indexed key);
    /// @notice Governance replaced the verifier or the source of randomness.
    event SourcesSet(IProviderVerifier verifier, IRandomness randomness);

    /// @notice Windows that overlap, or a window without room for opening and response.
    error BadWindows();
    /// @notice The window has not begun, can no longer be opened, or is open already.
    error CannotOpen(uint256 window);
    /// @notice The window is not open, or its deadline has passed.
    error NotOpen(uint256 window);
    /// @notice The provider has no slots that this window must prove, or is evicted.
    error NotObliged(address provider, uint256 window);
    /// @notice One proof a provider and window.
    error AlreadyProven(address provider, uint256 window);
    /// @notice The set cannot change before this window is proven or over.
    error SetFrozen(address provider, uint256 window);
    /// @notice Too much is left to judge for one call: `judge` with a receiver goes on at this window.
    error NotJudged(address provider, uint256 window);
    /// @notice The root is no element of the field, or the slot is in a set already, or in none.
    error BadSlot(bytes32 key);

    function initialize(
        address admin,
        Parameters parameters_,
        Stake stake_,
        IProviderVerifier verifier_,
        IRandomness randomness_,
        uint64 windowBlocks_,
        uint64 openBlocks_
    ) external initializer {
        _initializeGoverned(admin);
        (parameters, stake) = (parameters_, stake_);
        (windowBlocks, openBlocks, genesis) = (windowBlocks_, openBlocks_, uint64(block.number));
        if (openBlocks_ == 0 || windowBlocks_ < 2 * openBlocks_ + 8) revert BadWindows();
        (verifier, randomness) = (verifier_, randomness_);
        emit SourcesSet(verifier_, randomness_);
    }

    /// @notice Replaces the verifier (a new circuit) or the source of randomness. A decision of governance.
    function setSources(IProviderVerifier verifier_, IRandomness randomness_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        (verifier, randomness) = (verifier_, randomness_);
        emit SourcesSet(verifier_, randomness_);
    }

    // --- Windows ---

    /// @notice The window of this block.
    function currentWindow() public view returns (uint256) {
        return (block.number - genesis) / windowBlocks;
    }

    /// @notice Opens a window with the randomness that its first block fixed.
    function openWindow(uint256 window, bytes calldata evidence) external {
        uint256 first = genesis + window * windowBlocks;
        if (block.number <= first || block.number > first + openBlocks || _opened[window] != 0) {
            revert CannotOpen(window);
        }
        uint256 bits = uint256(randomness.randomAt(first, evidence)) >> 64;
        // Whatever the response time, a window ends with blocks in which sets can change, so that nobody is held for ever.
        uint256 last = first + windowBlocks - 1 - openBlocks;
        uint256 deadline = Math.min(block.number + parameters.get(Parameter.ResponseBlocks), last);
        _opened[window] = bits << 64 | deadline;
        _openedSet.add(window);
        emit WindowOpened(window, bits, deadline);
    }

    /// @notice The random bits of a window and its last block for proofs; zero while it is not open.
    function openedWindow(uint256 window) external view returns (uint256 bits, uint256 deadline) {
        return (_opened[window] >> 64, uint64(_opened[window]));
    }

    // --- Proofs ---

    /// @notice Accepts a provider's proof for the current window. Anybody may send it: the seed names the provider.
    function submitProof(uint256 window, Submission calldata submission) external {
        uint256[4] memory inputs = _note(window, submission);
        verifier.verify(submission.proof, inputs);
    }

    /// @notice Accepts several providers' proofs for the current window at once; one invalid proof fails all. Those that were
    /// accepted before are passed over, so that nobody fails a batch by sending one of its proofs ahead.
    function submitProofs(uint256 window, Submission[] calldata submissions) external {
        uint256[8][] memory proofs = new uint256[8][](submissions.length);
        uint256[4][] memory inputs = new uint256[4][](submissions.length);
        uint256 length = 0;
        for (uint256 i = 0; i < submissions.length; i++) {
            if (_proven[submissions[i].provider].has(window)) continue;
            inputs[length] = _note(window, submissions[i]);
            proofs[length++] = submissions[i].proof;
        }
        if (length == 0) return;
        assembly ("memory-safe") {
            mstore(inputs, length)
            mstore(proofs, length)
        }
        verifier.verifyBatch(proofs, inputs);
    }

    /// @notice The public inputs of a provider's proof, given `h`.
    function publicInputs(uint256 window, address provider, uint256 h) public view returns (uint256[4] memory inputs) {
        uint256 count = _books[provider].count;
        if (count == 0) revert NotObliged(provider, window);
        uint256 seed = seedOf(window, provider);
        bytes32[DRAWS] memory drawn;
        bytes32[] storage roots = _roots[provider];
        for (uint256 j = 0; j < DRAWS; j += 4) {
            uint256 draw = uint256(keccak256(abi.encode(seed, j / 4)));
            for (uint256 i = j; i < j + 4; i++) {
                // The set's length is the count: reading it once spares a check of the bounds for each draw.
                drawn[i] = _rootAt(roots, uint64(draw) % count);
                draw >>= 64;
            }
        }
        (uint256 alpha, uint256 e) = ProviderInputs.compress(seed, h, drawn);
        return [seed, h, alpha, e];
    }

    /// @notice The seed of a provider's challenge: 248 bits, bound to chain, contract, window, provider and set.
    function seedOf(uint256 window, address provider) public view returns (uint256) {
        bytes32 bound = keccak256(
            abi.encode(
                DOMAIN, block.chainid, address(this), _opened[window] >> 64, window, provider, _books[provider].version
            )
        );
        return uint256(bound) >> 8;
    }

    // --- Misses ---

    /// @notice Penalises the windows that a provider missed and that were not judged yet: at most 64 misses in 65,536 windows
    /// a call.
    /// @param receiver Whoever reports and receives the bounty; nobody (zero) when a contract judges. All burns then, and the
    /// call fails if anything is left to judge.
    function judge(address provider, address receiver) public {
        Book memory book = _books[provider];
        uint256 limit = _resolved(provider, book) ? currentWindow() + 1 : currentWindow();
        if (book.judgedTo >= limit) return;
        uint256 window = book.judgedTo;
        uint256 to = Math.min(limit, window + JUDGED_WINDOWS);
        for (uint256 misses = 0; book.count != 0 && !book.evicted && misses < JUDGED_MISSES; misses++) {
            window = _openedSet.firstWithout(_proven[provider], window, to);
            if (window == to) break;
            _penalise(provider, book, window, receiver);
            book = _books[provider]; // Whoever was paid may have judged on.
            window = book.judgedTo;
        }
        if (book.count == 0 || book.evicted) window = limit; // It owes nothing more.
        book.judgedTo = uint32(window);
        _books[provider] = book;
        if (window < limit && receiver == address(0)) revert NotJudged(provider, window);
    }

    // --- For the market ---

    /// @notice Puts a slot into a provider's set. @return window The first that must prove it.
    function add(address provider, bytes32 key, bytes32 root) external onlyRole(MARKET_ROLE) returns (uint256 window) {
        judge(provider, address(0));
        Book storage book = _books[provider];
        window = currentWindow();
        if (book.evicted) revert NotObliged(provider, window);
        if (book.count != 0 && !_resolved(provider, book)) revert SetFrozen(provider, window);
        if (uint256(root) >= FIELD || _places[key] != 0) revert BadSlot(key);
        window += 1;
        if (book.count == 0) (book.obligedFrom, book.judgedTo) = (uint32(window), uint32(window));
        book.count += 1;
        book.version += 1;
        _roots[provider].push(root);
        _keys[provider].push(key);
        _places[key] = _keys[provider].length;
        emit SlotAdded(provider, key, window);
    }

    /// @notice Takes a slot out of a provider's set, after judging it.
    /// @return next The first window that does not concern the slot. @return evicted True if the provider was evicted.
    function remove(address provider, bytes32 key, bool fault)
        external
        onlyRole(MARKET_ROLE)
        returns (uint256 next, bool evicted)
    {
        judge(provider, address(0));
        Book storage book = _books[provider];
        uint256 window = currentWindow();
        (next, evicted) = (window + 1, book.evicted);
        if (!evicted && !_resolved(provider, book)) revert SetFrozen(provider, window);
        if (fault || evicted) _faulted[provider].add(window);
        bytes32[] storage roots = _roots[provider];
        bytes32[] storage keys = _keys[provider];
        uint256 place = _places[key];
        if (place == 0 || place > keys.length || keys[place - 1] != key) revert BadSlot(key);
        uint256 last = keys.length;
        if (place != last) {
            roots[place - 1] = roots[last - 1];
            keys[place - 1] = keys[last - 1];
            _places[keys[place - 1]] = place;
        }
        roots.pop();
        keys.pop();
        delete _places[key];
        book.count -= 1;
        book.version += 1;
        if (book.count == 0) book.evicted = false;
        emit SlotRemoved(provider, key);
    }

    /// @notice Notes a dispute that a provider lost, or one more that it answered only on the chain.
    function noteDispute(address provider) external onlyRole(DISPUTE_ROLE) {
        _disputed[provider].add(currentWindow());
    }

    // --- What is known ---

    /// @notice Windows from `from` on, before `to`, that a provider proved; and those that were open and not proven.
    function tally(address provider, uint256 from, uint256 to) external view returns (uint256 proven, uint256 missed) {
        proven = _proven[provider].count(from, to);
        missed = _openedSet.count(from, to) - proven;
    }

    /// @notice The first window whose outcome is not certain yet for this provider.
    function firstOpen(address provider) external view returns (uint256) {
        return _resolved(provider, _books[provider]) ? currentWindow() + 1 : currentWindow();
    }

    /// @notice True if the provider proved this window.
    function isProven(address provider, uint256 window) external view returns (bool) {
        return _proven[provider].has(window);
    }

    /// @notice Disputes are noted a window; true if this one has one.
    function disputesSince(address provider, uint256 from) external view returns (uint256) {
        return _disputed[provider].count(from, currentWindow() + 1);
    }

    /// @notice A provider's book.
    function bookOf(address provider) external view returns (Book memory) {
        return _books[provider];
    }

    /// @notice The slots of a provider's set and their roots, in the order in which they are drawn.
    function setOf(address provider) external view returns (bytes32[] memory keys, bytes32[] memory roots) {
        return (_keys[provider], _roots[provider]);
    }

    /// @notice The root under which a slot of a provider's set is proven.
    function rootOf(address provider, bytes32 key) external view returns (bytes32) {
        return _roots[provider][_places[key] - 1];
    }

    /// @notice Reputation in basis points: the share of good among all that was noted of a provider in the last 1,024
    /// windows, the latest 256 counting eightfold, then four-, two- and onefold. A miss weighs 4 proofs, a fault 8, a lost
    /// dispute 16; 2,048 proofs of nothing keep a newcomer low.
    function reputation(address provider) external view returns (uint256) {
        uint256 to = currentWindow() + 1;
        (uint256 good, uint256 bad) = (0, 2_048);
        for (uint256 weight = 8; weight > 0 && to > 0; weight /= 2) {
            uint256 from = to > 256 ? to - 256 : 0;
            good += weight * _proven[provider].count(from, to);
            bad += weight * 4 * _missed[provider].count(from, to);
            bad += weight * 8 * _faulted[provider].count(from, to);
            bad += weight * 16 * _disputed[provider].count(from, to);
            to = from;
        }
        return BPS * good / (good + bad);
    }

    function _note(uint256 window, Submission calldata submission) private returns (uint256[4] memory) {
        address provider = submission.provider;
        uint256 deadline = uint64(_opened[window]);
        if (deadline < block.number) revert NotOpen(window);
        Book memory book = _books[provider];
        if (book.count == 0 || book.evicted || window < book.obligedFrom) revert NotObliged(provider, window);
        if (!_proven[provider].add(window)) revert AlreadyProven(provider, window);
        emit ProofAccepted(provider, window);
        return publicInputs(window, provider, submission.h);
    }

    /// @dev True if the current window can change nothing more for this provider: it proved, or it no longer can.
    function _resolved(address provider, Book memory book) private view returns (bool) {
        uint256 window = currentWindow();
        if (book.count == 0 || window < book.obligedFrom || _proven[provider].has(window)) return true;
        uint256 deadline = uint64(_opened[window]);
        if (deadline == 0) deadline = genesis + window * windowBlocks + openBlocks;
        return block.number > deadline;
    }

    function _penalise(address provider, Book memory book, uint256 window, address receiver) private {
        uint256 decayed = (window - book.lastMiss) / parameters.get(Parameter.DecayWindows);
        uint256 highest = parameters.get(Parameter.EvictLevel);
        uint256 level = Math.min((book.level > decayed ? book.level - decayed : 0) + 1, highest);
        (book.level, book.lastMiss, book.judgedTo) = (uint16(level), uint32(window), uint32(window + 1));
        _missed[provider].add(window);
        uint256 bps = Math.min(parameters.get(Parameter.MissPenaltyBps) << (level - 1), STEEPEST_BPS);
        uint256 penalty = stake.lockedOf(provider) * bps / BPS;
        uint256 bounty = penalty * parameters.get(Parameter.BountyBps) / BPS;
        if (receiver == address(0)) bounty = 0;
        emit WindowMissed(provider, window, level, penalty);
        if (level == highest) {
            book.evicted = true;
            emit Evicted(provider, window);
        }
        _books[provider] = book; // Before anything is called, so that no miss is judged twice.
        stake.penalise(provider, penalty, receiver, bounty);
    }

    function _rootAt(bytes32[] storage roots, uint256 index) private view returns (bytes32 root) {
        assembly ("memory-safe") {
            mstore(0x00, roots.slot)
            root := sload(add(keccak256(0x00, 0x20), index))
        }
    }
}
