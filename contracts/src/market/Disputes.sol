// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {IOpeningVerifier} from "../proof/IGroth16Verifier.sol";
import {OpeningInputs} from "../proof/OpeningInputs.sol";
import {Deposits} from "../token/Deposits.sol";
import {HoldToken} from "../token/HoldToken.sol";
import {CellTree} from "./CellTree.sol";
import {Challenges} from "./Challenges.sol";
import {IMarket} from "./IMarket.sol";
import {Market} from "./Market.sol";
import {Providers} from "./Providers.sol";
import {Stake} from "./Stake.sol";

/// @title Disputes about a retrieval that a provider refused, and about the root that it proves
/// @notice Anybody may demand up to four cells of a slot, under a bond. Until the deadline the provider shows them with
/// their paths to the slot's SHA-256 root, or loses the slot. The loser pays the winner's gas. Each dispute against a
/// provider that is undecided or in its last 256 windows doubles the bond of the next, and from the second on a provider that answers only here
/// loses as much as the bond from its collateral: neither disputing nor refusing to serve is a business.
/// Anybody may also doubt a slot's circuit root, which nobody but its provider may have checked, by naming one cell: the
/// provider then shows it under the SHA-256 root and proves that the same cell stands there under the circuit root.
contract Disputes is Governed, ReentrancyGuardTransient {
    using SafeERC20 for HoldToken;
    using SafeCast for uint256;

    struct Dispute {
        address challenger;
        uint64 deadline; // last block for an answer
        uint32 recent; // disputes against the provider before this one, in its last 256 windows
        address provider;
        uint128 bond;
        bytes32 cells; // hash of the indices asked for, or of the domain of doubts and one index
    }

    /// @notice Most cells of a dispute.
    uint256 public constant CELL_LIMIT = 4;
    /// @dev Keeps a doubted root apart from demanded cells.
    bytes32 private constant DOUBT = keccak256("holdfast/doubt/1");
    /// @dev The bond doubles at most so often.
    uint256 private constant STEEPEST = 10;
    /// @dev No dispute waits longer for its answer, in blocks, whatever the agreement says; the bound of `DisputeBlocks`.
    uint256 private constant LONGEST = 100_000;

    HoldToken public token;
    Providers public providers;
    Stake public stake;
    Challenges public challenges;
    Market public market;
    Parameters public parameters;
    /// @notice The running dispute about a slot, by agreement and index.
    mapping(uint256 agreement => mapping(uint256 index => Dispute)) private _disputes;
    /// @notice What an account may take out.
    mapping(address account => uint256) public credits;
    /// @notice Verifies that a cell stands under a circuit root; until there is one, no root can be doubted.
    IOpeningVerifier public openings;
    /// @dev Disputes against a provider that are not decided.
    mapping(address provider => uint256) private _undecided;

    event DisputeOpened(
        uint256 indexed agreement,
        uint256 indexed index,
        address indexed provider,
        address challenger,
        uint32[] cells,
        uint256 bond,
        uint256 deadline
    );
    /// @notice A slot's circuit root is doubted at one cell.
    event RootDoubted(
        uint256 indexed agreement,
        uint256 indexed index,
        address indexed provider,
        address challenger,
        uint32 cell,
        uint256 bond,
        uint256 deadline
    );
    event RootUpheld(uint256 indexed agreement, uint256 indexed index, address indexed provider, uint32 cell);
    /// @notice Governance replaced the verifier of openings.
    event OpeningsSet(IOpeningVerifier openings);
    event DisputeAnswered(uint256 indexed agreement, uint256 indexed index, address indexed provider, bytes[] cells);
    event DisputeLost(uint256 indexed agreement, uint256 indexed index, address indexed provider);
    /// @notice The provider was evicted before the dispute was decided.
    event DisputeVoid(uint256 indexed agreement, uint256 indexed index);

    /// @notice The slot has no provider, or its time is over, or a dispute runs already, or none does.
    error WrongState(uint256 agreement, uint256 index);
    /// @notice No cell, too many, or one beyond the slot.
    error BadCells();
    /// @notice The cells are not those asked for.
    error OtherCells();
    /// @notice A cell does not lead to the slot's root.
    error WrongCell(uint256 index);
    /// @notice The deadline has passed, or has not.
    error Deadline(uint256 last);
    /// @notice There is no verifier to settle a doubted root with.
    error NoVerifier();

    function initialize(
        address admin,
        HoldToken token_,
        Providers providers_,
        Stake stake_,
        Challenges challenges_,
        Market market_,
        Parameters parameters_
    ) external initializer {
        _initializeGoverned(admin);
        (token, providers, stake, challenges, market, parameters) =
        (token_, providers_, stake_, challenges_, market_, parameters_);
    }

    /// @notice Replaces the verifier of openings (a new circuit). A decision of governance.
    function setOpenings(IOpeningVerifier openings_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        openings = openings_;
        emit OpeningsSet(openings_);
    }

    /// @notice Demands cells of a slot. The bond comes back with the gas if they are not shown in time.
    function open(uint256 agreement, uint256 index, uint32[] calldata cells) external nonReentrant {
        if (cells.length == 0 || cells.length > CELL_LIMIT) revert BadCells();
        for (uint256 i = 0; i < cells.length; i++) {
            if (cells[i] >= CellTree.CELLS) revert BadCells();
        }
        Dispute memory it = _open(agreement, index, keccak256(abi.encode(cells)));
        emit DisputeOpened(agreement, index, it.provider, msg.sender, cells, it.bond, it.deadline);
    }

    /// @notice Doubts a slot's circuit root at one cell. The bond comes back with the gas if the root is not upheld in time.
    /// The challenger needs to know neither tree: a root that is not the slot's cannot be opened to the slot's cell.
    function doubtRoot(uint256 agreement, uint256 index, uint32 cell) external nonReentrant {
        if (address(openings) == address(0)) revert NoVerifier();
        if (cell >= CellTree.CELLS) revert BadCells();
        Dispute memory it = _open(agreement, index, keccak256(abi.encode(DOUBT, cell)));
        emit RootDoubted(agreement, index, it.provider, msg.sender, cell, it.bond, it.deadline);
    }

    /// @notice Shows the cells. Anybody may; the compensation is the operator's.
    /// @param paths For each cell its siblings, from the leaf up.
    function answer(
        uint256 agreement,
        uint256 index,
        uint32[] calldata indices,
        bytes[] calldata cells,
        bytes32[][] calldata paths
    ) external nonReentrant {
        Dispute memory dispute = _answerable(agreement, index);
        if (keccak256(abi.encode(indices)) != dispute.cells) revert OtherCells();
        if (cells.length != indices.length || paths.length != indices.length) revert OtherCells();
        bytes32 root = market.slotOf(agreement, index).cellRoot;
        for (uint256 i = 0; i < indices.length; i++) {
            if (!CellTree.verify(root, indices[i], cells[i], paths[i])) revert WrongCell(i);
        }
        _end(agreement, index, dispute.provider);
        emit DisputeAnswered(agreement, index, dispute.provider, cells);
        _settle(dispute);
    }

    /// @notice Upholds a doubted root: the cell with its path to the slot's SHA-256 root, and a proof that the same cell
    /// stands there under the circuit root. Anybody may; the compensation is the operator's.
    /// @param path The cell's siblings, from the leaf up.
    function upholdRoot(
        uint256 agreement,
        uint256 index,
        uint32 cell,
        bytes calldata content,
        bytes32[] calldata path,
        uint256[8] calldata proof
    ) external nonReentrant {
        Dispute memory dispute = _answerable(agreement, index);
        if (keccak256(abi.encode(DOUBT, cell)) != dispute.cells) revert OtherCells();
        if (!CellTree.verify(market.slotOf(agreement, index).cellRoot, cell, content, path)) revert WrongCell(0);
        uint256 root = uint256(challenges.rootOf(dispute.provider, market.keyOf(agreement, index)));
        (uint256 alpha, uint256 e) = OpeningInputs.compress(root, cell, content);
        openings.verify(proof, [root, cell, alpha, e]);
        _end(agreement, index, dispute.provider);
        emit RootUpheld(agreement, index, dispute.provider, cell);
        _settle(dispute);
    }

    /// @notice Decides a dispute that nobody answered in time: the provider loses the slot and pays the challenger's gas.
    function conclude(uint256 agreement, uint256 index) external nonReentrant {
        Dispute memory dispute = _running(agreement, index);
        if (block.number <= dispute.deadline) revert Deadline(dispute.deadline);
        _end(agreement, index, dispute.provider);
        emit DisputeLost(agreement, index, dispute.provider);
        challenges.noteDispute(dispute.provider);
        challenges.judge(dispute.provider, address(0));
        // No more than the bond, so that most of the penalty burns, and a provider gains nothing by disputing itself.
        uint256 gas = Math.min(parameters.get(Parameter.DisputeGas), dispute.bond);
        uint256 before = token.balanceOf(address(this));
        stake.penalise(
            dispute.provider, gas + (uint256(dispute.bond) << Math.min(dispute.recent, STEEPEST)), address(this), gas
        );
        credits[dispute.challenger] += dispute.bond + (token.balanceOf(address(this)) - before);
        market.fail(agreement, index);
    }

    /// @notice Ends a dispute about a slot that its provider lost meanwhile for missed windows; the bond returns.
    function void(uint256 agreement, uint256 index) external nonReentrant {
        Dispute memory dispute = _disputes[agreement][index];
        if (dispute.challenger == address(0) || _holds(agreement, index, dispute.provider)) {
            revert WrongState(agreement, index);
        }
        _end(agreement, index, dispute.provider);
        credits[dispute.challenger] += dispute.bond;
        emit DisputeVoid(agreement, index);
    }

    /// @notice Pays out the caller's credit.
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = credits[msg.sender];
        credits[msg.sender] = 0;
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice The running dispute about a slot; its challenger is zero if there is none.
    function disputeOf(uint256 agreement, uint256 index) external view returns (Dispute memory) {
        return _disputes[agreement][index];
    }

    /// @notice The bond of the next dispute against a provider, 10^-18 HOLD.
    function bondOf(address provider) public view returns (uint256) {
        uint256 times = Math.min(_recent(provider) + _undecided[provider], STEEPEST);
        return parameters.get(Parameter.DisputeBond) << times;
    }

    /// @dev Windows, of the last 256, that saw a dispute against the provider decided.
    function _recent(address provider) private view returns (uint256) {
        uint256 current = challenges.currentWindow();
        return challenges.disputesSince(provider, current > 256 ? current - 256 : 0);
    }

    function _open(uint256 agreement, uint256 index, bytes32 cells) private returns (Dispute memory) {
        Dispute storage dispute = _disputes[agreement][index];
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        if (dispute.challenger != address(0) || slot.state != IMarket.State.Active) {
            revert WrongState(agreement, index);
        }
        IMarket.Agreement memory it = market.agreementOf(agreement);
        if (challenges.currentWindow() >= Math.min(slot.end, it.end)) revert WrongState(agreement, index);
        uint256 bond = bondOf(slot.provider);
        uint256 recent = _recent(slot.provider);
        _undecided[slot.provider] += 1;
        uint256 blocks = Math.max(it.terms.responseBlocks, parameters.get(Parameter.DisputeBlocks));
        blocks = Math.min(blocks, LONGEST);
        (dispute.challenger, dispute.provider, dispute.bond) = (msg.sender, slot.provider, bond.toUint128());
        (dispute.deadline, dispute.recent) = ((block.number + blocks).toUint64(), recent.toUint32());
        dispute.cells = cells;
        market.setDisputed(agreement, index, true);
        Deposits.take(token, bond);
        return dispute;
    }

    /// @dev Pays the gas of an answer, or lets a provider that answers only here pay.
    function _settle(Dispute memory dispute) private {
        challenges.noteDispute(dispute.provider);
        uint256 gas = Math.min(parameters.get(Parameter.DisputeGas), dispute.bond);
        if (dispute.recent != 0) {
            challenges.judge(dispute.provider, address(0));
            stake.penalise(dispute.provider, dispute.bond, address(this), 0);
            gas = 0;
        }
        credits[providers.operatorOf(dispute.provider)] += gas;
        token.burn(dispute.bond - gas);
    }

    function _end(uint256 agreement, uint256 index, address provider) private {
        _undecided[provider] -= 1;
        delete _disputes[agreement][index];
        market.setDisputed(agreement, index, false);
    }

    function _answerable(uint256 agreement, uint256 index) private view returns (Dispute memory dispute) {
        dispute = _running(agreement, index);
        if (block.number > dispute.deadline) revert Deadline(dispute.deadline);
    }

    function _running(uint256 agreement, uint256 index) private view returns (Dispute memory dispute) {
        dispute = _disputes[agreement][index];
        if (dispute.challenger == address(0) || !_holds(agreement, index, dispute.provider)) {
            revert WrongState(agreement, index);
        }
    }

    function _holds(uint256 agreement, uint256 index, address provider) private view returns (bool) {
        IMarket.Slot memory slot = market.slotOf(agreement, index);
        return slot.state == IMarket.State.Active && slot.provider == provider;
    }
}
