//! Numbers and counts as people read them.

/// A number with a comma between thousands.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 batch`, `2 batches`.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// `2 bytes`.
pub(crate) fn bytes(n: u64) -> String {
    count(n, "byte", "bytes")
}

/// `2 threads`.
pub(crate) fn threads(n: u64) -> String {
    count(n, "thread", "threads")
}

/// `2 batches`.
pub(crate) fn batches(n: u64) -> String {
    count(n, "batch", "batches")
}

/// `2 items`.
pub(crate) fn items(n: u64) -> String {
    count(n, "item", "items")
}

/// `a`, `b` and `c`, each in backquotes.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_000), "1,000");
        assert_eq!(number(65_536), "65,536");
        assert_eq!(number(123_456_789), "123,456,789");
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(batches(1), "1 batch");
        assert_eq!(batches(0), "0 batches");
        assert_eq!(threads(2), "2 threads");
        assert_eq!(items(1_024), "1,024 items");
    }

    #[test]
    fn lists_end_in_and() {
        assert_eq!(list(&[]), "");
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b"]), "`a` and `b`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
