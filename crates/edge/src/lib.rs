//! What runs at a remote hospital on a bad line (`karez edge imaging`): takes objects from scanners, keeps them on its own
//! disk until the centre has them, and sends them on when and as fast as the line allows, urgent studies first. A line
//! cut for hours loses nothing and sends nothing twice.

pub mod centre;
pub mod identity;
pub mod schedule;
pub mod sender;
pub mod spool;

pub use centre::{Address, Centre, LineError};
pub use identity::Identity;
pub use schedule::{Rate, Schedule};
pub use sender::{Line, Progress, Sender};
pub use spool::{About, Spool, SpoolError, Taken};
