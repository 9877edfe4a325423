//! The command `holdfast`.

#[cfg(target_env = "gnu")]
mod memory;

fn main() -> std::process::ExitCode {
    #[cfg(target_env = "gnu")]
    memory::keep_what_is_used_again();
    holdfast::cli::main()
}
