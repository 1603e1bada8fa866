//! Patterns of paths: `*`, `?` and `**`.

/// Whether a pattern means a path, both with `/`. `*` and `?` stand for characters of one name, `**` for any number of folders; a
/// pattern that means a folder means all that is in it.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.trim_start_matches("./").trim_end_matches('/').split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    folders(&pattern, &path)
}

fn folders(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], _) => true,
        (["**"], _) => true,
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| folders(rest, &path[skipped..])),
        (_, []) => false,
        ([first, pattern @ ..], [name, path @ ..]) => {
            let (first, name): (Vec<char>, Vec<char>) = (first.chars().collect(), name.chars().collect());
            characters(&first, &name) && folders(pattern, path)
        }
    }
}

fn characters(pattern: &[char], name: &[char]) -> bool {
    // Back to the last `*` where what follows it does not fit: linear in the name for each `*`.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_mean_paths() {
        for (pattern, path, expected) in [
            ("Cargo.toml", "Cargo.toml", true),
            ("Cargo.toml", "a/Cargo.toml", false),
            ("src/**", "src/a/b.rs", true),
            ("src", "src/a/b.rs", true),
            ("./src/", "src/lib.rs", true),
            ("src/**", "lib/src/a.rs", false),
            ("**/*.rs", "a.rs", true),
            ("**/*.rs", "a/b/c.rs", true),
            ("**/*.rs", "a/b/c.py", false),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a/b.rs", false),
            ("*a*a*b", "aaaaaaaaaab", true),
            ("*a*a*c", "aaaaaaaaaab", false),
            ("?.rs", "a.rs", true),
            ("?.rs", ".rs", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
