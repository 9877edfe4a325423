//! How nodes are described, and how they are.

use crate::NodeNumber;
use holdfast::{actors::storage::StorageError, settings::Settings};

/// What makes one node different from another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeSpec {
    /// The node's settings.
    pub settings: Settings,
    /// Where it stands; `None` deals nodes to the plan's regions in turn.
    pub region: Option<u16>,
    /// Megabits a second that it sends; `None` is the plan's.
    pub up_mbit_per_s: Option<f64>,
    /// Megabits a second that it receives; `None` is the plan's.
    pub down_mbit_per_s: Option<f64>,
}

/// Why a node could not be treated as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// There is no such node.
    #[error("{0} does not exist")]
    Unknown(NodeNumber),
    /// It is not in a state where that can be done.
    #[error("{node} is {state:?}")]
    State {
        /// Which node.
        node: NodeNumber,
        /// Its state.
        state: NodeState,
    },
    /// It stopped before it was ready.
    #[error("{0} stopped while it started")]
    Stopped(NodeNumber),
    /// It refused to start.
    #[error("{node} could not start: {why}")]
    Start {
        /// Which node.
        node: NodeNumber,
        /// What it said.
        why: StorageError,
    },
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Not running.
    Down,
    /// Running, not ready yet.
    Starting,
    /// Running.
    Up,
    /// Standing still.
    Paused,
    /// Gone for good.
    Departed,
}
