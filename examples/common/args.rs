//! What the measuring programs share: their `main`, and numbers on the command line.

use std::process::ExitCode;
use std::str::FromStr;

/// Runs a program on its arguments; prints its usage when asked for help, and its error if it fails.
pub(crate) fn main(
    usage: &str,
    run: impl FnOnce(&[String]) -> Result<(), Box<dyn std::error::Error>>,
) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "-h" || arg == "--help") {
        println!("usage: {usage}");
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let name = usage.split(' ').next().unwrap_or_default();
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The number at a place of the arguments, or what it is when it is left out.
pub(crate) fn number<N: FromStr>(
    args: &[String],
    at: usize,
    otherwise: Option<N>,
) -> Result<N, String> {
    match (args.get(at), otherwise) {
        (Some(arg), _) => arg
            .parse()
            .map_err(|_| format!("argument {} is `{arg}`, not a number", at + 1)),
        (None, Some(number)) => Ok(number),
        (None, None) => Err(format!("argument {} is missing, see --help", at + 1)),
    }
}
