//! What governance may tune, with the bounds that the contract keeps and two sets of first values.

use crate::Amount;
use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

/// A field's value as the contract stores it.
trait Word {
    fn word(&self) -> U256;
}

impl Word for u64 {
    fn word(&self) -> U256 {
        U256::from(*self)
    }
}

impl Word for Amount {
    fn word(&self) -> U256 {
        self.0
    }
}

fn hold(count: u64) -> Amount {
    Amount::whole(count)
}

/// 10⁻³ HOLD.
fn milli_hold(count: u64) -> Amount {
    Amount(hold(count).0 / U256::from(1_000))
}

macro_rules! values {
    ($($(#[$doc:meta])* $field:ident $name:literal $kind:ty: $low:expr, $high:expr; $local:expr, $public:expr;)*) => {
        /// One value for each `Parameter` of the contract, in its order. What each is for: `Parameters.sol`.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Values {
            $($(#[$doc])* pub $field: $kind,)*
        }

        /// The contract's names, in order.
        pub const NAMES: [&str; 20] = [$($name),*];

        impl Values {
            /// For a chain on this machine: everything within minutes.
            #[must_use]
            pub fn local() -> Self {
                Self { $($field: $local),* }
            }

            /// For a chain with a block in 12 seconds and one window a day.
            #[must_use]
            pub fn public() -> Self {
                Self { $($field: $public),* }
            }

            /// The values as the contract takes them.
            #[must_use]
            pub fn words(&self) -> [U256; 20] {
                [$(self.$field.word()),*]
            }

            /// The bounds that the contract keeps, both inclusive.
            #[must_use]
            pub fn bounds() -> [(U256, U256); 20] {
                [$(($low.word(), $high.word())),*]
            }
        }
    };
}

values! {
    /// Blocks to prove after a window was opened.
    response_blocks "ResponseBlocks" u64: 4_u64, 7_200_u64; 20, 1_200;
    /// Basis points of all locked collateral that the first miss costs.
    miss_penalty_bps "MissPenaltyBps" u64: 10_u64, 500_u64; 100, 100;
    /// Level of misses at which slots are lost.
    evict_level "EvictLevel" u64: 2_u64, 10_u64; 3, 4;
    /// Windows without a miss that lower the level by one.
    decay_windows "DecayWindows" u64: 4_u64, 10_000_u64; 4, 14;
    /// Basis points of a penalty for whoever reported it.
    bounty_bps "BountyBps" u64: 0_u64, 1_000_u64; 500, 500;
    /// Basis points of a slot's collateral seized when it is taken away.
    fail_penalty_bps "FailPenaltyBps" u64: 5_000_u64, 10_000_u64; 10_000, 10_000;
    /// The same when the provider declared the loss.
    fault_penalty_bps "FaultPenaltyBps" u64: 500_u64, 4_000_u64; 2_000, 2_000;
    /// Basis points of a seizure that may become the repair reward.
    reward_share_bps "RewardShareBps" u64: 0_u64, 4_000_u64; 4_000, 4_000;
    /// Basis points of a seizure that may become the owner's refund.
    refund_share_bps "RefundShareBps" u64: 0_u64, 1_500_u64; 1_000, 1_000;
    /// Blocks until withdrawn stake is paid out.
    unbonding_blocks "UnbondingBlocks" u64: 50_u64, 5_000_000_u64; 500, 201_600;
    /// Windows that a cancelled agreement still runs.
    notice_windows "NoticeWindows" u64: 1_u64, 1_000_u64; 2, 7;
    /// Most windows of an agreement.
    longest_windows "LongestWindows" u64: 10_u64, 100_000_u64; 1_000, 1_825;
    /// Blocks that a reserved slot waits for its refill.
    reservation_blocks "ReservationBlocks" u64: 20_u64, 100_000_u64; 60, 7_200;
    /// Bond of a reservation, basis points of the slot's collateral.
    reservation_bond_bps "ReservationBondBps" u64: 100_u64, 5_000_u64; 1_000, 1_000;
    /// Least collateral of a slot, in windows of its price.
    collateral_windows "CollateralWindows" u64: 10_u64, 10_000_u64; 10, 100;
    /// First bond of a dispute.
    dispute_bond "DisputeBond" Amount: milli_hold(1), hold(1_000_000); hold(10), hold(10);
    /// Least blocks to answer a dispute.
    dispute_blocks "DisputeBlocks" u64: 10_u64, 100_000_u64; 30, 7_200;
    /// What the loser of a dispute pays for the winner's gas.
    dispute_gas "DisputeGas" Amount: hold(0), hold(10_000); hold(2), hold(2);
    /// What a false deletion receipt costs.
    receipt_penalty "ReceiptPenalty" Amount: hold(0), hold(1_000_000); hold(50), hold(50);
    /// Blocks between a payer's wish to close a channel and its end.
    channel_blocks "ChannelBlocks" u64: 10_u64, 1_000_000_u64; 40, 50_400;
}
