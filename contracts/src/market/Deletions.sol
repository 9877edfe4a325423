// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {Challenges} from "./Challenges.sol";
import {Providers} from "./Providers.sol";
import {Stake} from "./Stake.sol";

/// @title Requests to delete, and the providers' signed receipts
/// @notice What is to be deleted is named by a salted commitment only. A provider's peer key signs a receipt. If the same
/// key later signs that it serves the same thing, the two signatures together cost it a penalty.
/// @dev That data is gone cannot be proven; that a provider contradicts itself can.
contract Deletions is Governed, EIP712Upgradeable {
    using SafeCast for uint256;

    bytes32 private constant DELETED_TYPE =
        keccak256("Deleted(address provider,bytes32 commitment,uint256 blockNumber)");
    bytes32 private constant SERVED_TYPE = keccak256("Served(address provider,bytes32 commitment,uint256 blockNumber)");

    Providers public providers;
    Stake public stake;
    Challenges public challenges;
    Parameters public parameters;
    /// @notice Block of a provider's receipt for a commitment; zero if there is none, all ones once it was contradicted.
    mapping(address provider => mapping(bytes32 commitment => uint256)) public deletedAt;

    event DeletionRequested(address indexed requester, bytes32 indexed commitment, address indexed provider);
    event DeletionConfirmed(address indexed provider, bytes32 indexed commitment, uint256 blockNumber);
    event DeletionContradicted(address indexed provider, bytes32 indexed commitment, uint256 penalty);

    /// @notice The signature is not by the provider's peer key.
    error WrongPeerKey(address provider, address signer);
    /// @notice The receipt is dated in the future, or exists already, or there is none that is older than the statement.
    error WrongBlock(uint256 blockNumber);

    function initialize(
        address admin,
        Providers providers_,
        Stake stake_,
        Challenges challenges_,
        Parameters parameters_
    ) external initializer {
        _initializeGoverned(admin);
        __EIP712_init("Holdfast Deletions", "1");
        (providers, stake, challenges, parameters) = (providers_, stake_, challenges_, parameters_);
    }

    /// @notice Asks a provider to delete what a salted commitment names.
    function request(bytes32 commitment, address provider) external {
        emit DeletionRequested(msg.sender, commitment, provider);
    }

    /// @notice Records a provider's receipt. Anybody may bring it.
    function confirm(address provider, bytes32 commitment, uint256 blockNumber, bytes calldata signature) external {
        bool known = deletedAt[provider][commitment] != 0;
        if (known || blockNumber == 0 || blockNumber > block.number) revert WrongBlock(blockNumber);
        _requireSigned(provider, deletedDigest(provider, commitment, blockNumber), signature);
        deletedAt[provider][commitment] = blockNumber;
        emit DeletionConfirmed(provider, commitment, blockNumber);
    }

    /// @notice Shows that a provider served, after its receipt, what it said it had deleted. A tenth of the penalty is the
    /// caller's, the rest burns. The receipt is void then, and that commitment takes no other: its signatures are spent.
    function contradict(address provider, bytes32 commitment, uint256 blockNumber, bytes calldata signature) external {
        uint256 deleted = deletedAt[provider][commitment];
        if (deleted == 0 || blockNumber <= deleted || blockNumber > block.number) revert WrongBlock(blockNumber);
        _requireSigned(provider, servedDigest(provider, commitment, blockNumber), signature);
        deletedAt[provider][commitment] = type(uint256).max;
        challenges.judge(provider, address(0));
        uint256 penalty = parameters.get(Parameter.ReceiptPenalty);
        penalty = stake.penalise(provider, penalty, msg.sender, penalty / 10);
        emit DeletionContradicted(provider, commitment, penalty);
    }

    /// @notice What a peer key signs with plain ECDSA for a receipt: SHA-256 of the EIP-712 digest, as libp2p keys do.
    function deletedDigest(address provider, bytes32 commitment, uint256 blockNumber) public view returns (bytes32) {
        return _digest(DELETED_TYPE, provider, commitment, blockNumber);
    }

    /// @notice What a peer key signs for having served.
    function servedDigest(address provider, bytes32 commitment, uint256 blockNumber) public view returns (bytes32) {
        return _digest(SERVED_TYPE, provider, commitment, blockNumber);
    }

    function _digest(bytes32 kind, address provider, bytes32 commitment, uint256 blockNumber)
        private
        view
        returns (bytes32)
    {
        bytes32 typed = _hashTypedDataV4(keccak256(abi.encode(kind, provider, commitment, blockNumber)));
        return sha256(abi.encodePacked(typed));
    }

    function _requireSigned(address provider, bytes32 digest, bytes calldata signature) private pure {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        if (signer == address(0) || signer != provider) revert WrongPeerKey(provider, signer);
    }
}
