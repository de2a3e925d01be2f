//! SQL's words, as SQLite and PostgreSQL both understand them.

/// The name of a column, quoted: `a"b` becomes `"a""b"`.
pub(crate) fn column(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Several, with commas.
pub(crate) fn columns<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|name| column(name.as_ref())).collect();
    names.join(", ")
}

/// The name of a table, quoted, with its schema in front if it has one: `main.hits`.
pub(crate) fn table(name: &str) -> String {
    let parts: Vec<String> = name.split('.').map(column).collect();
    parts.join(".")
}

/// A statement without what ends it, so that it can stand in brackets. The line end is for a comment in its last line.
pub(crate) fn statement(text: &str) -> String {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    format!("{text}\n")
}

/// How many rows a query has.
pub(crate) fn count(query: &str) -> String {
    format!("SELECT count(*) FROM ({}) AS counted", statement(query))
}

/// What is to be done where a row has the keys of another: it takes its place.
pub(crate) fn conflict(names: &[String], keys: &[String]) -> String {
    let others: Vec<String> = names
        .iter()
        .filter(|name| !keys.contains(name))
        .map(|name| format!("{0} = excluded.{0}", column(name)))
        .collect();
    let then = if others.is_empty() {
        "NOTHING".to_owned()
    } else {
        format!("UPDATE SET {}", others.join(", "))
    };
    format!("ON CONFLICT ({}) DO {then}", columns(keys))
}
