// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {Channels} from "../../../src/market/Channels.sol";
import {Deed, Scene} from "./Scene.sol";

/// @dev Readers that pay for retrieval by channels, and providers that sign deletion receipts and contradict them.
abstract contract Payers is Scene {
    struct Receipt {
        uint256 provider;
        bytes32 commitment;
        uint256 dated;
    }

    uint256 private constant DEEDS = 8;
    uint256 private constant CHANNELS = 3;
    uint256 internal constant PAYER_KEY = 0xA0003;
    uint256[] internal openChannels;
    /// @dev The highest voucher that was signed for a channel.
    mapping(uint256 channel => uint256) internal promised;
    Receipt[] private receipts;

    function _pay(uint256 dice) internal {
        for (uint256 turn = 0; turn < DEEDS; turn++) {
            if (_paidOne((dice % DEEDS + turn) % DEEDS, dice >> 8)) return;
        }
    }

    function _paidOne(uint256 deed, uint256 dice) private returns (bool) {
        if (deed == 6) return _confirm(dice);
        if (deed == 7) return _contradict();
        if (deed == 0 || openChannels.length == 0) return _openChannel(dice);
        uint256 channel = openChannels[(dice >> 16) % openChannels.length];
        Channels.Channel memory it = channels.channelOf(channel);
        if (deed == 1) return _topUp(channel, it, dice);
        if (deed == 2) return _redeem(channel, it, dice);
        if (deed == 3) return _closeByProvider(channel, it, dice);
        if (deed == 4) return _announce(channel, it);
        return _closeByPayer(channel, it);
    }

    function _openChannel(uint256 dice) private returns (bool) {
        if (openChannels.length == CHANNELS) return false;
        uint128 deposit = uint128(bound(dice >> 32, 1, 100e18));
        fund(vm.addr(PAYER_KEY), address(channels), deposit);
        vm.prank(vm.addr(PAYER_KEY));
        openChannels.push(channels.open(people[dice % PROVIDERS], deposit));
        done[Deed.ChannelOpened]++;
        return true;
    }

    function _topUp(uint256 channel, Channels.Channel memory it, uint256 dice) private returns (bool) {
        uint128 amount = uint128(bound(dice >> 32, 1, 10e18));
        fund(it.payer, address(channels), amount);
        vm.prank(it.payer);
        channels.topUp(channel, amount);
        done[it.closesAt == 0 ? Deed.ChannelToppedUp : Deed.CloseLapsed]++;
        return true;
    }

    function _redeem(uint256 channel, Channels.Channel memory it, uint256 dice) private returns (bool) {
        if (it.redeemed == it.deposit) return false;
        uint256 total = bound(dice >> 32, it.redeemed + 1, it.deposit);
        if (total > promised[channel]) promised[channel] = total;
        // Some vouchers are kept for later.
        if (dice % 3 == 0) return true;
        _bring(channel, it, total);
        return true;
    }

    function _bring(uint256 channel, Channels.Channel memory it, uint256 total) private {
        address to = providers.operatorOf(it.provider);
        uint256 before = token.balanceOf(to);
        channels.redeem(channel, total, signed(PAYER_KEY, channels.voucherDigest(channel, total)));
        vm.assertEq(token.balanceOf(to) - before, total - it.redeemed, "paid is what the voucher adds");
        done[Deed.VoucherRedeemed]++;
    }

    /// @dev The honest provider brings its best voucher before a channel closes.
    function _bringTheHonestsVouchers() internal {
        for (uint256 i = 0; i < openChannels.length; i++) {
            Channels.Channel memory it = channels.channelOf(openChannels[i]);
            bool closes = it.closesAt != 0 && it.provider == people[HONEST];
            if (closes && promised[openChannels[i]] > it.redeemed) {
                _bring(openChannels[i], it, promised[openChannels[i]]);
            }
        }
    }

    function _closeByProvider(uint256 channel, Channels.Channel memory it, uint256 dice) private returns (bool) {
        if (it.provider == people[HONEST] || dice % 3 != 0) return false;
        uint256 before = token.balanceOf(it.payer);
        vm.prank(providers.operatorOf(it.provider));
        channels.closeByProvider(channel);
        _forget(channel, it, before);
        done[Deed.ClosedByProvider]++;
        return true;
    }

    function _announce(uint256 channel, Channels.Channel memory it) private returns (bool) {
        if (it.closesAt != 0) return false;
        vm.prank(it.payer);
        channels.announceClose(channel);
        done[Deed.CloseAnnounced]++;
        return true;
    }

    function _closeByPayer(uint256 channel, Channels.Channel memory it) private returns (bool) {
        if (it.closesAt == 0 || block.number < it.closesAt) return false;
        // An honest provider redeems what it was promised while the notice runs, whatever the dice did meanwhile.
        if (it.provider == people[HONEST] && it.redeemed < promised[channel]) return false;
        uint256 before = token.balanceOf(it.payer);
        channels.close(channel);
        _forget(channel, it, before);
        done[Deed.ClosedByPayer]++;
        return true;
    }

    function _forget(uint256 channel, Channels.Channel memory it, uint256 before) private {
        vm.assertEq(token.balanceOf(it.payer) - before, it.deposit - it.redeemed, "the rest is the payer's");
        for (uint256 i = 0; i < openChannels.length; i++) {
            if (openChannels[i] == channel) openChannels[i] = openChannels[openChannels.length - 1];
        }
        openChannels.pop();
    }

    function _confirm(uint256 dice) private returns (bool) {
        if (receipts.length == 3) return false;
        Receipt memory it = Receipt(1 + dice % (PROVIDERS - 1), keccak256(abi.encode(dice)), block.number);
        address provider = people[it.provider];
        bytes32 digest = deletions.deletedDigest(provider, it.commitment, it.dated);
        deletions.request(it.commitment, provider);
        deletions.confirm(provider, it.commitment, it.dated, signed(key(it.provider), digest));
        receipts.push(it);
        done[Deed.DeletionConfirmed]++;
        return true;
    }

    function _contradict() private returns (bool) {
        if (receipts.length == 0) return false;
        Receipt memory it = receipts[receipts.length - 1];
        if (it.dated == block.number) return false;
        receipts.pop();
        address provider = people[it.provider];
        bytes32 digest = deletions.servedDigest(provider, it.commitment, block.number);
        uint256 before = token.balanceOf(REPORTER);
        vm.prank(REPORTER);
        deletions.contradict(provider, it.commitment, block.number, signed(key(it.provider), digest));
        vm.assertLe(token.balanceOf(REPORTER) - before, 5e18, "a tenth of the penalty at most");
        done[Deed.DeletionContradicted]++;
        return true;
    }
}
