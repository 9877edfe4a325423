// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {Governed} from "../governance/Governed.sol";

/// @title Who provides storage: the peer key, who operates it, and what it offers
/// @notice A provider's id is the Ethereum address of its libp2p peer key (secp256k1). The key signs once, for the
/// operator who acts for it on this chain; libp2p signs the SHA-256 of a message, so the message is an EIP-712 digest and
/// what ecrecover sees is its SHA-256.
contract Providers is Governed, EIP712Upgradeable {
    /// @notice What a provider offers.
    struct Offer {
        bytes32 region; // a label the provider gives itself
        uint64 capacity; // bytes
        uint128 price; // 10^-18 HOLD a slot and window
        uint16 commissionBps; // of what it earns, before the rest is shared among those who staked on it
    }

    struct Provider {
        address operator;
        bool exiting;
        uint16 commissionBps;
        uint16 nextCommissionBps;
        uint48 nextCommissionBlock;
        bytes32 region;
        uint64 capacity;
        uint128 price;
        bytes32 peerX;
        bytes32 peerY;
    }

    /// @notice The longest endpoint record, bytes.
    uint256 public constant ENDPOINT_LIMIT = 512;
    bytes32 private constant OPERATOR_TYPE = keccak256("Operator(address provider,address operator,uint256 nonce)");

    Parameters public parameters;
    mapping(address provider => Provider) private _providers;
    /// @notice How often a peer key has named its operator; the number that its next signature must carry.
    mapping(address provider => uint256) public nonces;

    /// @notice A provider has registered under this operator, or the operator changed.
    event OperatorSet(address indexed provider, address indexed operator, bytes32 peerX, bytes32 peerY);
    /// @notice What a provider offers, and where it is reached (libp2p multiaddresses, its own encoding).
    event OfferSet(address indexed provider, Offer offer, bytes endpoint);
    /// @notice A provider takes no more slots, or takes them again.
    event ExitingSet(address indexed provider, bool exiting);

    /// @notice The caller does not operate this provider.
    error NotOperator(address provider, address caller);
    /// @notice The signature is not by the key that the provider's id stands for.
    error WrongPeerKey(address provider, address signer);
    /// @notice Commission above 100 %, an endpoint over the limit, or an operator that is nobody.
    error BadOffer();

    function initialize(address admin, Parameters parameters_) external initializer {
        _initializeGoverned(admin);
        __EIP712_init("Holdfast Providers", "1");
        parameters = parameters_;
    }

    /// @notice Names the operator of a peer key: registers it, or hands it over.
    /// @param peerX Coordinate x of the peer's public key, big endian. @param peerY Coordinate y.
    /// @param signature r, s, v of the peer key's signature for (provider, operator, nonce).
    function setOperator(bytes32 peerX, bytes32 peerY, address operator, bytes calldata signature)
        external
        returns (address provider)
    {
        provider = address(uint160(uint256(keccak256(abi.encodePacked(peerX, peerY)))));
        if (operator == address(0)) revert BadOffer();
        bytes32 digest = operatorDigest(provider, operator, nonces[provider]++);
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        if (signer == address(0) || signer != provider) revert WrongPeerKey(provider, signer);
        Provider storage it = _providers[provider];
        it.operator = operator;
        (it.peerX, it.peerY) = (peerX, peerY);
        emit OperatorSet(provider, operator, peerX, peerY);
    }

    /// @notice Publishes an offer. A higher commission takes effect after the unbonding time, so that those who
    /// staked under the old one can leave before it.
    function setOffer(address provider, Offer calldata offer, bytes calldata endpoint) external {
        requireOperator(provider, msg.sender);
        if (offer.commissionBps > 10_000 || endpoint.length > ENDPOINT_LIMIT) revert BadOffer();
        Provider storage it = _providers[provider];
        uint16 current = commissionBps(provider);
        it.commissionBps = offer.commissionBps < current ? offer.commissionBps : current;
        it.nextCommissionBps = offer.commissionBps;
        it.nextCommissionBlock = uint48(block.number + parameters.get(Parameter.UnbondingBlocks));
        (it.region, it.capacity, it.price) = (offer.region, offer.capacity, offer.price);
        emit OfferSet(provider, offer, endpoint);
    }

    /// @notice Stops or resumes taking slots. Slots already taken run on, or are offered to others in the market.
    function setExiting(address provider, bool exiting) external {
        requireOperator(provider, msg.sender);
        _providers[provider].exiting = exiting;
        emit ExitingSet(provider, exiting);
    }

    /// @notice Reverts unless `caller` operates `provider`.
    function requireOperator(address provider, address caller) public view {
        if (_providers[provider].operator != caller || caller == address(0)) revert NotOperator(provider, caller);
    }

    /// @notice Who acts for a provider; nobody (zero) if it is not registered.
    function operatorOf(address provider) external view returns (address) {
        return _providers[provider].operator;
    }

    /// @notice True if the provider may take slots.
    function takesSlots(address provider) external view returns (bool) {
        return _providers[provider].operator != address(0) && !_providers[provider].exiting;
    }

    /// @notice The commission in force, basis points.
    function commissionBps(address provider) public view returns (uint16) {
        Provider storage it = _providers[provider];
        return block.number >= it.nextCommissionBlock ? it.nextCommissionBps : it.commissionBps;
    }

    /// @notice All that is known of a provider.
    function providerOf(address provider) external view returns (Provider memory) {
        return _providers[provider];
    }

    /// @notice What the peer key signs with plain ECDSA: SHA-256 of the EIP-712 digest.
    function operatorDigest(address provider, address operator, uint256 nonce) public view returns (bytes32) {
        bytes32 typed = _hashTypedDataV4(keccak256(abi.encode(OPERATOR_TYPE, provider, operator, nonce)));
        return sha256(abi.encodePacked(typed));
    }
}
