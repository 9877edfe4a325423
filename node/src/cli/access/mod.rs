//! `holdfast access`: keys of members, lists of them, and where lists stand on the chain.

mod keys;
mod lists;

pub use lists::named;

use super::{args::Access, failure::Failure, home::Home, output::Output};

/// Carries out a command.
pub fn run(home: &Home, command: &Access, output: Output) -> Result<(), Failure> {
    match command {
        Access::Key { file } => keys::draw(file, output),
        Access::SignIn { file, account } => keys::sign_in(home, file, account, output),
        Access::Member { file } => keys::member(file, output),
        Access::Root { list } => keys::root(list, output),
        Access::Publish { file, which } => lists::publish(home, file, which, output),
        Access::Revoke { which } => lists::revoke(home, which, output),
        Access::Show { list, account, chain } => lists::show(home, *list, *account, chain, output),
    }
}
