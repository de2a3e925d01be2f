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

/// The number behind an option such as `--seconds`, or what it is when it is left out; the option is taken out of the
/// arguments.
#[allow(dead_code, reason = "not every program has options")]
pub(crate) fn option<N: FromStr>(
    args: &mut Vec<String>,
    name: &str,
    otherwise: N,
) -> Result<N, String> {
    let Some(at) = args.iter().position(|arg| arg == name) else {
        return Ok(otherwise);
    };
    args.remove(at);
    if at == args.len() {
        return Err(format!("{name} needs a number"));
    }
    let number = args.remove(at);
    number
        .parse()
        .map_err(|_| format!("{name} needs a number, not `{number}`"))
}

/// Refuses arguments that nobody has taken out.
#[allow(dead_code, reason = "not every program has options")]
pub(crate) fn no_more(args: &[String]) -> Result<(), String> {
    match args.first() {
        Some(arg) => Err(format!("there is no argument `{arg}`, see --help")),
        None => Ok(()),
    }
}

/// The number at a place of the arguments, or what it is when it is left out.
#[allow(dead_code, reason = "not every program has numbers without a name")]
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
