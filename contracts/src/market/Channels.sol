// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {EIP712Upgradeable} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {Deposits} from "../token/Deposits.sol";
import {HoldToken} from "../token/HoldToken.sol";
import {Providers} from "./Providers.sol";

/// @title Payment for retrieval: one-way channels with signed vouchers
/// @notice A payer deposits for one provider and signs vouchers (EIP-712), each for the whole sum so far. The provider's
/// operator redeems the latest whenever it likes, and may close at once; the payer alone may close after a delay.
contract Channels is Governed, EIP712Upgradeable, ReentrancyGuardTransient {
    using SafeERC20 for HoldToken;
    using SafeCast for uint256;

    struct Channel {
        address payer;
        uint64 closesAt; // first block at which the payer may take the rest; zero while it does not want to
        address provider;
        uint128 deposit; // all that was ever paid in
        uint128 redeemed; // the part the provider has received
    }

    bytes32 private constant VOUCHER_TYPE = keccak256("Voucher(uint256 channel,uint256 total)");

    HoldToken public token;
    Providers public providers;
    Parameters public parameters;
    /// @notice Number of channels; ids count from 1.
    uint256 public channels;
    mapping(uint256 channel => Channel) private _channels;

    event ChannelOpened(uint256 indexed channel, address indexed payer, address indexed provider, uint256 deposit);
    event ChannelToppedUp(uint256 indexed channel, uint256 deposit);
    event VoucherRedeemed(uint256 indexed channel, uint256 total, uint256 paid);
    event ChannelClosing(uint256 indexed channel, uint256 closesAt);
    event ChannelClosed(uint256 indexed channel, uint256 refunded);

    /// @notice No such channel, or it is closed.
    error UnknownChannel(uint256 channel);
    /// @notice The caller may not do this.
    error NotAllowed(address caller);
    /// @notice The voucher is not signed by the payer.
    error BadVoucher(uint256 channel);
    /// @notice Nothing, not more than was redeemed already, or more than was deposited.
    error BadTotal(uint256 total, uint256 redeemed, uint256 deposit);
    /// @notice The payer may close from this block on; zero if it did not announce it.
    error NotYet(uint256 closesAt);
    /// @notice The provider is not registered.
    error UnknownProvider(address provider);

    function initialize(address admin, HoldToken token_, Providers providers_, Parameters parameters_)
        external
        initializer
    {
        _initializeGoverned(admin);
        __EIP712_init("Holdfast Channels", "1");
        (token, providers, parameters) = (token_, providers_, parameters_);
    }

    /// @notice Opens a channel to a provider.
    function open(address provider, uint128 deposit) external nonReentrant returns (uint256 channel) {
        if (providers.operatorOf(provider) == address(0)) revert UnknownProvider(provider);
        if (deposit == 0) revert BadTotal(0, 0, 0);
        channel = ++channels;
        Channel storage it = _channels[channel];
        (it.payer, it.provider, it.deposit) = (msg.sender, provider, deposit);
        emit ChannelOpened(channel, msg.sender, provider, deposit);
        Deposits.take(token, deposit);
    }

    /// @notice Adds to a channel's deposit; a wish to close it lapses.
    function topUp(uint256 channel, uint128 amount) external nonReentrant {
        Channel storage it = _known(channel);
        if (msg.sender != it.payer) revert NotAllowed(msg.sender);
        if (amount == 0) revert BadTotal(0, it.redeemed, it.deposit);
        it.deposit += amount;
        it.closesAt = 0;
        emit ChannelToppedUp(channel, it.deposit);
        Deposits.take(token, amount);
    }

    /// @notice Pays the provider's operator what a voucher is above the last one. Anybody may bring it.
    function redeem(uint256 channel, uint256 total, bytes calldata signature) public nonReentrant {
        Channel storage it = _known(channel);
        if (total <= it.redeemed || total > it.deposit) revert BadTotal(total, it.redeemed, it.deposit);
        if (!_signed(it.payer, voucherDigest(channel, total), signature)) revert BadVoucher(channel);
        uint256 paid = total - it.redeemed;
        it.redeemed = total.toUint128();
        emit VoucherRedeemed(channel, total, paid);
        token.safeTransfer(providers.operatorOf(it.provider), paid);
    }

    /// @notice Closes at once with the provider's consent: its operator calls, after it redeemed its last voucher.
    function closeByProvider(uint256 channel) external nonReentrant {
        providers.requireOperator(_known(channel).provider, msg.sender);
        _close(channel);
    }

    /// @notice Announces that the payer will close; until then the provider can still redeem.
    function announceClose(uint256 channel) external {
        Channel storage it = _known(channel);
        if (msg.sender != it.payer) revert NotAllowed(msg.sender);
        if (it.closesAt != 0) revert NotYet(it.closesAt);
        it.closesAt = (block.number + parameters.get(Parameter.ChannelBlocks)).toUint64();
        emit ChannelClosing(channel, it.closesAt);
    }

    /// @notice Closes after the announced delay; the rest returns to the payer. Anybody may call.
    function close(uint256 channel) external nonReentrant {
        Channel storage it = _known(channel);
        if (it.closesAt == 0 || block.number < it.closesAt) revert NotYet(it.closesAt);
        _close(channel);
    }

    /// @notice A channel; its payer is zero if there is none.
    function channelOf(uint256 channel) external view returns (Channel memory) {
        return _channels[channel];
    }

    /// @notice What the payer signs.
    function voucherDigest(uint256 channel, uint256 total) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPE, channel, total)));
    }

    function _close(uint256 channel) private {
        Channel memory it = _channels[channel];
        delete _channels[channel];
        uint256 rest = it.deposit - it.redeemed;
        emit ChannelClosed(channel, rest);
        token.safeTransfer(it.payer, rest);
    }

    /// @dev A key's signature counts whether or not its account has code: else a payer could give itself code (EIP-7702) that
    /// refuses what it signed. Accounts that are contracts alone (ERC-1271) can take their word back; a provider knows them.
    function _signed(address payer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (address signer,,) = ECDSA.tryRecover(digest, signature);
        return signer == payer || SignatureChecker.isValidSignatureNow(payer, digest, signature);
    }

    function _known(uint256 channel) private view returns (Channel storage it) {
        it = _channels[channel];
        if (it.payer == address(0)) revert UnknownChannel(channel);
    }
}
