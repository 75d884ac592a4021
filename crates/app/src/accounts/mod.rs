//! Accounts: how people and machines prove who they are, and what they are at each hospital.

pub(crate) mod ceremony;
pub(crate) mod create;
pub mod factor;
pub(crate) mod gate;
pub mod invite;
pub mod model;
pub mod own;
pub mod passkeys;
pub(crate) mod password;
pub mod sign_in;
pub(crate) mod throttle;

pub use create::NewAccount;
pub use gate::Gate;
pub use invite::{Invite, InviteAs, Invited, NewWayIn};
pub use model::{
    Account, Licence, LinkLimit, Membership, OutsideLogin, PatientLink, PrivilegeGrant, Relation,
    RoleGrant, Validity, normal_login,
};
pub use own::{OwnSession, Preferences, Profile};
pub use passkeys::{Challenge, OwnPasskey, PasskeyAnswer};
pub use sign_in::{Begun, Reauth, SecondStep, SignIn};
