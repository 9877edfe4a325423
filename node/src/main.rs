//! The command `holdfast`.

fn main() -> std::process::ExitCode {
    holdfast::memory::keep_what_is_used_again();
    holdfast::cli::main()
}
