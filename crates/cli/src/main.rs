//! The binary `tieline`.

fn main() -> std::process::ExitCode {
    tieline_cli::main()
}
