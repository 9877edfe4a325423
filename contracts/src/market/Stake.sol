// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Governed} from "../governance/Governed.sol";
import {Parameter, Parameters} from "../governance/Parameters.sol";
import {Deposits} from "../token/Deposits.sol";
import {HoldToken} from "../token/HoldToken.sol";
import {Providers} from "./Providers.sol";

/// @dev Share of a provider's collateral that its own stake must cover, in basis points: as much as can ever come back of a
/// seizure, as reward (4,000) and refund (1,500). Its own stake loses first, so nobody gains by losing what others staked.
uint256 constant OWN_BPS = 5_500;

/// @title Stakes: one pool a provider, of its own money and of those who trust it
/// @notice Whoever stakes on a provider owns shares of its pool. Fees raise what a share is worth, for all alike. Penalties
/// take the shares of the provider's operator first, and lower what a share is worth only when it has none left. A part of
/// the pool is locked as the collateral of slots; it is counted in units whose worth falls with each penalty. Stake that is
/// being withdrawn can still be slashed until it is paid out. A pool that lost all but dust begins anew.
contract Stake is Governed, ReentrancyGuardTransient {
    using SafeERC20 for HoldToken;
    using SafeCast for uint256;

    struct Pool {
        uint128 assets; // all tokens of the pool, 10^-18 HOLD
        uint128 shares;
        uint128 lockedAssets; // the part of `assets` that is collateral
        uint128 lockedUnits;
        uint128 unbondingShares; // the part of `shares` that backs no new collateral
        uint128 fees; // commission that the operator may take, not part of `assets`
        uint64 generation; // how often it began anew
    }

    struct Position {
        uint128 shares; // all shares of the holder
        uint128 unbonding; // the part that it withdraws
        uint64 releaseBlock; // from when it may
    }

    /// @notice May lock and release collateral, and bring fees: the market.
    bytes32 public constant MARKET_ROLE = keccak256("MARKET");
    /// @notice May take penalties from collateral: challenges, disputes, deletion receipts.
    bytes32 public constant PENALTY_ROLE = keccak256("PENALTY");
    /// @dev Shares nobody owns: they make it dear to raise the price of a share by a gift (as in ERC-4626).
    uint256 private constant VIRTUAL_SHARES = 1_000;
    /// @dev Most parts (shares or units) of 10^-18 HOLD beside which new ones are made: of the whole supply they fit 128 bits.
    uint256 private constant MOST_PARTS = 1e11;
    /// @dev What a pool may void when it begins anew, 10^-18 HOLD.
    uint256 private constant DUST = 1e15;
    uint256 private constant BPS = 10_000;

    HoldToken public token;
    Providers public providers;
    Parameters public parameters;
    mapping(address provider => Pool) private _pools;
    /// @dev Only those of the pool's own generation count.
    mapping(address provider => mapping(uint256 generation => mapping(address holder => Position))) private _positions;
    /// @dev Whose stake loses first: the operator when the first of the collateral was locked. A new operator does not relieve it.
    mapping(address provider => address) private _backers;

    /// @notice Stake was added.
    event Staked(address indexed provider, address indexed holder, uint256 amount, uint256 shares);
    /// @notice Shares are being withdrawn, not before `releaseBlock`.
    event Unbonding(address indexed provider, address indexed holder, uint256 shares, uint256 releaseBlock);
    /// @notice Stake was paid out.
    event Withdrawn(address indexed provider, address indexed holder, uint256 amount, uint256 shares);
    /// @notice A provider earned: `commission` for its operator, `shared` for all shares.
    event Rewarded(address indexed provider, uint256 commission, uint256 shared);
    /// @notice An operator took its commission.
    event FeesTaken(address indexed provider, address indexed operator, uint256 amount);
    /// @notice Collateral was locked, or released with `taken` of it gone to the market.
    event Locked(address indexed provider, uint256 amount, uint256 units);
    event Released(address indexed provider, uint256 units, uint256 taken);
    /// @notice A penalty was taken from collateral: `bounty` was paid out, the rest burned.
    event Penalised(address indexed provider, uint256 amount, address indexed receiver, uint256 bounty);
    /// @notice A pool that had lost all but dust began anew: `shares` are void, and the `assets` that were left are nobody's.
    event BegunAnew(address indexed provider, uint256 shares, uint256 assets);

    /// @notice The provider is not registered.
    error UnknownProvider(address provider);
    /// @notice Nothing, or more than there is.
    error BadAmount(uint256 asked, uint256 available);
    /// @notice Withdrawal is possible from this block on.
    error StillUnbonding(uint256 releaseBlock);
    /// @notice The pool lost nearly all, and more than dust of it is somebody's: it takes no more stake until that is withdrawn.
    error PoolWiped(address provider);
    /// @notice Penalties took nearly all collateral. Its slots must be given up, and its bonds end, before more is locked.
    error CollateralWiped(address provider);

    function initialize(address admin, HoldToken token_, Providers providers_, Parameters parameters_)
        external
        initializer
    {
        _initializeGoverned(admin);
        (token, providers, parameters) = (token_, providers_, parameters_);
    }

    /// @notice Adds stake to a provider's pool.
    function stake(address provider, uint256 amount) external nonReentrant {
        if (providers.operatorOf(provider) == address(0)) revert UnknownProvider(provider);
        Pool storage pool = _pools[provider];
        if (_areWorthless(pool.shares, pool.assets)) _beginAnew(provider, pool);
        uint256 shares = Math.mulDiv(amount, pool.shares + VIRTUAL_SHARES, uint256(pool.assets) + 1);
        if (amount == 0 || shares == 0) revert BadAmount(amount, 0);
        pool.assets += amount.toUint128();
        pool.shares += shares.toUint128();
        _position(provider, msg.sender).shares += shares.toUint128();
        emit Staked(provider, msg.sender, amount, shares);
        Deposits.take(token, amount);
    }

    /// @notice Announces a withdrawal of shares. They back no new collateral, and can be slashed until they are paid out.
    function unbond(address provider, uint256 shares) external {
        Position storage position = _position(provider, msg.sender);
        uint256 free = position.shares - position.unbonding;
        if (shares == 0 || shares > free) revert BadAmount(shares, free);
        position.unbonding += shares.toUint128();
        position.releaseBlock = (block.number + parameters.get(Parameter.UnbondingBlocks)).toUint64();
        _pools[provider].unbondingShares += shares.toUint128();
        emit Unbonding(provider, msg.sender, shares, position.releaseBlock);
    }

    /// @notice Pays out what is being withdrawn, as far as collateral of running slots leaves it free; to the provider's own
    /// backer only what exceeds the share that its stake must cover.
    function withdraw(address provider) external nonReentrant returns (uint256 amount) {
        Position storage position = _position(provider, msg.sender);
        Pool storage pool = _pools[provider];
        uint256 shares = position.unbonding;
        if (shares == 0) revert BadAmount(0, 0);
        if (block.number < position.releaseBlock) revert StillUnbonding(position.releaseBlock);
        uint256 free = pool.assets - pool.lockedAssets;
        if (msg.sender == _backers[provider]) {
            uint256 own = _worth(pool, position.shares);
            free = Math.min(free, own - Math.min(own, Math.mulDiv(pool.lockedAssets, OWN_BPS, BPS, Math.Rounding.Ceil)));
        }
        amount = _worth(pool, shares);
        if (amount > free) {
            shares = Math.mulDiv(shares, free, amount);
            amount = _worth(pool, shares);
            if (shares == 0) revert BadAmount(position.unbonding, 0);
        }
        position.shares -= shares.toUint128();
        position.unbonding -= shares.toUint128();
        pool.unbondingShares -= shares.toUint128();
        pool.shares -= shares.toUint128();
        pool.assets -= amount.toUint128();
        emit Withdrawn(provider, msg.sender, amount, shares);
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice Pays the commission to the provider's operator.
    function takeFees(address provider) external nonReentrant returns (uint256 amount) {
        providers.requireOperator(provider, msg.sender);
        amount = _pools[provider].fees;
        _pools[provider].fees = 0;
        emit FeesTaken(provider, msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice Books earnings that the market has just transferred here.
    function reward(address provider, uint256 amount) external onlyRole(MARKET_ROLE) {
        Pool storage pool = _pools[provider];
        uint256 commission = pool.shares == 0 ? amount : amount * providers.commissionBps(provider) / BPS;
        pool.fees += commission.toUint128();
        pool.assets += (amount - commission).toUint128();
        emit Rewarded(provider, commission, amount - commission);
    }

    /// @notice Locks collateral. @return units What to give back to `release`.
    function lock(address provider, uint256 amount) external onlyRole(MARKET_ROLE) returns (uint256 units) {
        Pool storage pool = _pools[provider];
        if (_areWorthless(pool.lockedUnits, pool.lockedAssets)) revert CollateralWiped(provider);
        uint256 free = freeStake(provider);
        if (amount > free) revert BadAmount(amount, free);
        if (pool.lockedUnits == 0) _backers[provider] = providers.operatorOf(provider);
        // Units are worth at most one token each, and everything that is locked belongs to somebody's units.
        units = pool.lockedUnits == 0 ? amount : Math.mulDiv(amount, pool.lockedUnits, pool.lockedAssets);
        pool.lockedAssets += amount.toUint128();
        pool.lockedUnits += units.toUint128();
        emit Locked(provider, amount, units);
    }

    /// @notice Releases collateral and sends `take` of it, or all it is worth if less, to the market.
    function release(address provider, uint256 units, uint256 take)
        external
        onlyRole(MARKET_ROLE)
        returns (uint256 taken)
    {
        Pool storage pool = _pools[provider];
        uint256 worth = collateralOf(provider, units);
        taken = Math.min(take, worth);
        pool.lockedUnits -= units.toUint128();
        pool.lockedAssets -= worth.toUint128();
        _lose(provider, pool, taken);
        emit Released(provider, units, taken);
        token.safeTransfer(msg.sender, taken);
    }

    /// @notice Takes a penalty from all collateral alike; pays a bounty out of it and burns the rest.
    /// @return taken The penalty, at most what is locked.
    function penalise(address provider, uint256 amount, address receiver, uint256 bounty)
        external
        onlyRole(PENALTY_ROLE)
        returns (uint256 taken)
    {
        Pool storage pool = _pools[provider];
        taken = Math.min(amount, pool.lockedAssets);
        bounty = Math.min(bounty, taken);
        pool.lockedAssets -= taken.toUint128();
        _lose(provider, pool, taken);
        emit Penalised(provider, taken, receiver, bounty);
        token.burn(taken - bounty);
        if (bounty != 0) token.safeTransfer(receiver, bounty);
    }

    /// @notice What a provider has locked, 10^-18 HOLD.
    function lockedOf(address provider) external view returns (uint256) {
        return _pools[provider].lockedAssets;
    }

    /// @notice What units of collateral are worth now, 10^-18 HOLD.
    function collateralOf(address provider, uint256 units) public view returns (uint256) {
        Pool storage pool = _pools[provider];
        return pool.lockedUnits == 0 ? 0 : Math.mulDiv(units, pool.lockedAssets, pool.lockedUnits);
    }

    /// @notice What may back new collateral, 10^-18 HOLD: neither locked nor being withdrawn, and covered by own stake; nothing
    /// beside collateral that is worth nothing.
    function freeStake(address provider) public view returns (uint256) {
        uint256 locked = _pools[provider].lockedAssets;
        if (_areWorthless(_pools[provider].lockedUnits, locked)) return 0;
        uint256 backed = _backed(provider);
        return backed > locked ? backed - locked : 0;
    }

    /// @notice True if the collateral is backed by stake that nobody is withdrawing.
    function covered(address provider) external view returns (bool) {
        return _backed(provider) >= _pools[provider].lockedAssets;
    }

    /// @notice What a holder's shares are worth now, 10^-18 HOLD.
    function worthOf(address provider, address holder) external view returns (uint256) {
        return _worth(_pools[provider], _position(provider, holder).shares);
    }

    /// @notice A provider's pool.
    function poolOf(address provider) external view returns (Pool memory) {
        return _pools[provider];
    }

    /// @notice A holder's place in a pool.
    function positionOf(address provider, address holder) external view returns (Position memory) {
        return _position(provider, holder);
    }

    /// @dev The most collateral that a provider's stake can back, without what is being withdrawn, 10^-18 HOLD.
    function _backed(address provider) private view returns (uint256) {
        Pool storage pool = _pools[provider];
        address backer = pool.lockedUnits == 0 ? providers.operatorOf(provider) : _backers[provider];
        Position storage own = _position(provider, backer);
        uint256 most = _worth(pool, own.shares - own.unbonding) * BPS / OWN_BPS;
        return Math.min(most, _worth(pool, pool.shares - pool.unbondingShares));
    }

    /// @dev Takes assets out of a pool: as many of its backer's shares go as they are worth, so that the others lose nothing
    /// while it has any.
    function _lose(address provider, Pool storage pool, uint256 taken) private {
        Position storage own = _position(provider, _backers[provider]);
        uint256 price = uint256(pool.assets) + 1;
        uint256 shares = Math.mulDiv(taken, pool.shares + VIRTUAL_SHARES, price, Math.Rounding.Ceil);
        shares = Math.min(shares, own.shares);
        own.shares -= shares.toUint128();
        pool.shares -= shares.toUint128();
        if (own.unbonding > own.shares) {
            pool.unbondingShares -= own.unbonding - own.shares;
            own.unbonding = own.shares;
        }
        pool.assets -= taken.toUint128();
    }

    /// @dev Voids shares that are worth nothing. Else one holder of such could keep a provider from ever being staked on again.
    function _beginAnew(address provider, Pool storage pool) private {
        if (pool.assets > DUST) revert PoolWiped(provider);
        emit BegunAnew(provider, pool.shares, pool.assets);
        (pool.shares, pool.unbondingShares) = (0, 0);
        pool.generation += 1;
    }

    function _position(address provider, address holder) private view returns (Position storage) {
        return _positions[provider][_pools[provider].generation][holder];
    }

    /// @dev True if parts lost so much that new ones of the same worth would be without number.
    function _areWorthless(uint256 parts, uint256 assets) private pure returns (bool) {
        return parts > MOST_PARTS * assets;
    }

    function _worth(Pool storage pool, uint256 shares) private view returns (uint256) {
        return Math.mulDiv(shares, uint256(pool.assets) + 1, pool.shares + VIRTUAL_SHARES);
    }
}
