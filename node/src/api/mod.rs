//! What programs touch: the control socket of a running node.
//!
//! A Unix domain socket in the node's directory (mode 0600) speaks JSON, one document a line. A connection
//! carries one request; the node answers with any number of progress or entry lines and one last line,
//! the outcome. **The socket is as powerful as the user the node runs as**: the node opens the paths that it is sent.
//! If the asker goes away, what it asked for is finished all the same.

mod access;
mod control;
mod files;
mod messages;

pub use access::{list_root, read_key, read_list};
pub use control::{Control, serve};
pub use files::{FileSink, FileSource};
pub use messages::{AccessFiles, Ask, Failed, FailureKind, NodeStatus, Reply, VERSION, Versioned};
