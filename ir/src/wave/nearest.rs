//! The name that was probably meant.

/// The candidate nearest to a name, if one is near enough: as text without case and separators equal, or at an edit distance of
/// at most a third of the name's length (but at least one).
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let key = fold(name);
    let limit = (key.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(&key, &fold(c)), c))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

fn fold(name: &str) -> Vec<char> {
    // Names are at most 64 characters; a longer text needs no exact distance.
    name.chars().filter(|c| !matches!(c, '-' | '_' | '%' | '.')).flat_map(char::to_lowercase).take(128).collect()
}

/// Damerau–Levenshtein distance in its restricted form (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour() {
        let names = ["user-id", "limit", "offset", "sort-by"];
        assert_eq!(nearest("userId", names), Some("user-id"));
        assert_eq!(nearest("user_id", names), Some("user-id"));
        assert_eq!(nearest("limti", names), Some("limit"));
        assert_eq!(nearest("offse", names), Some("offset"));
        assert_eq!(nearest("colour", names), None);
    }
}
