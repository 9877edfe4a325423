// SPDX-License-Identifier: Apache-2.0 OR MIT
pragma solidity 0.8.37;

/// @title What owners and providers agree on; all amounts in 10^-18 HOLD
interface IMarket {
    /// @notice What an owner asks for.
    struct Terms {
        uint16 slots; // n
        uint16 threshold; // k: slots that rebuild the data
        uint64 slotBytes; // padded size of a slot
        uint32 windows; // duration
        uint128 price; // a slot and window
        uint128 collateral; // a slot
        uint128 repairReward; // most that whoever refills a slot receives
        uint128 refund; // what the owner receives for each breach, out of the slot's collateral
        uint16 slaBps; // share of a slot's windows that must be proven
        uint32 responseBlocks; // to answer a dispute
    }

    /// @notice The field of terms that is at fault.
    enum Term {
        Slots,
        Threshold,
        SlotBytes,
        Windows,
        Price,
        Collateral,
        RepairReward,
        Refund,
        SlaBps
    }

    struct Agreement {
        address owner;
        uint32 end; // first window that is not paid
        uint16 active; // slots that a provider holds
        bool closed;
        uint128 escrow; // what is left of the owner's payment
        uint128 pots; // repair rewards set aside
        Terms terms;
    }

    enum State {
        Empty, // never filled
        Active, // a provider holds it
        Freed, // its provider lost it: open for a refill
        Done // its time is over
    }

    struct Slot {
        address provider;
        State state;
        bool offered; // its provider wants to hand it over
        bool disputed; // its provider must answer before it may leave
        uint32 end; // first window that is not paid: what its provider accepted
        uint32 from; // first window of its provider
        uint32 settledTo; // windows before this one are paid or not to be paid
        uint128 units; // collateral, as Stake counts it
        uint128 pot; // repair reward, paid with the refiller's first proven window
        uint128 bondUnits;
        address reserver; // who may refill it
        uint64 reservedTo; // last block of the reservation
        bytes32 cellRoot; // SHA-256 root of its cells, as the owner signed it
    }

    /// @notice Where all tokens that ever came in are now: received = held + paid + burned + refunded.
    struct Ledger {
        uint128 received; // escrow, and what was seized from collateral
        uint128 paid; // to providers
        uint128 burned;
        uint128 refunded; // to owners, when they take it
    }

    /// @notice Why a slot leaves its provider.
    enum Leave {
        Finished,
        HandedOver,
        DeclaredFault,
        Failed
    }

    event AgreementOpened(uint256 indexed agreement, address indexed owner, Terms terms, uint256 end);
    event AgreementExtended(uint256 indexed agreement, uint256 end);
    event AgreementCancelled(uint256 indexed agreement, uint256 end);
    event AgreementClosed(uint256 indexed agreement, uint256 refunded);
    event SlotFilled(
        uint256 indexed agreement,
        uint256 indexed index,
        address indexed provider,
        bytes32 root,
        bytes32 cellRoot,
        uint256 from
    );
    event SlotSettled(uint256 indexed agreement, uint256 indexed index, uint256 proven, uint256 paid);
    event SlotRenewed(uint256 indexed agreement, uint256 indexed index, uint256 end);
    event SlotOffered(uint256 indexed agreement, uint256 indexed index, bool offered);
    event SlotDisputed(uint256 indexed agreement, uint256 indexed index, bool disputed);
    event SlotReserved(uint256 indexed agreement, uint256 indexed index, address indexed provider, uint256 lastBlock);
    event ReservationEnded(uint256 indexed agreement, uint256 indexed index, uint256 burned);
    event SlotLeft(
        uint256 indexed agreement,
        uint256 indexed index,
        address indexed provider,
        Leave why,
        uint256 burned,
        uint256 reward,
        uint256 refund
    );
    event Credited(address indexed owner, uint256 amount);

    /// @notice Terms that cannot be kept.
    error BadTerms(Term term);
    /// @notice No such agreement, or no such slot of it.
    error Unknown(uint256 agreement, uint256 index);
    /// @notice The slot's or agreement's state does not allow this.
    error WrongState(uint256 agreement, uint256 index);
    /// @notice Only the owner may do this.
    error NotOwner(address caller);
    /// @notice The owner did not sign this slot for this provider and these roots.
    error NotApproved(uint256 agreement, uint256 index);
    /// @notice The provider takes no slots, or is not registered.
    error TakesNoSlots(address provider);
}
