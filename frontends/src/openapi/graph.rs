//! Strongly connected components, without recursion.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// The groups of nodes that reach one another: more than one node, or one with an edge to itself. In no particular order.
pub(crate) fn groups(count: usize, edges: impl Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let mut index = vec![NEW; count];
    let mut low = vec![0; count];
    let mut on_stack = vec![false; count];
    let mut stack = Vec::new();
    let mut next = 0;
    let mut out = Vec::new();
    for start in 0..count {
        if index[start] != NEW {
            continue;
        }
        let mut calls: Vec<(usize, Vec<usize>, usize)> = Vec::new();
        let mut enter = |node: usize,
                         calls: &mut Vec<(usize, Vec<usize>, usize)>,
                         stack: &mut Vec<usize>,
                         on_stack: &mut [bool],
                         index: &mut [usize],
                         low: &mut [usize]| {
            index[node] = next;
            low[node] = next;
            next += 1;
            stack.push(node);
            on_stack[node] = true;
            calls.push((node, edges(node), 0));
        };
        enter(start, &mut calls, &mut stack, &mut on_stack, &mut index, &mut low);
        while let Some((node, targets, at)) = calls.last_mut() {
            let node = *node;
            if let Some(&target) = targets.get(*at) {
                *at += 1;
                if index[target] == NEW {
                    enter(target, &mut calls, &mut stack, &mut on_stack, &mut index, &mut low);
                } else if on_stack[target] {
                    low[node] = low[node].min(index[target]);
                }
                continue;
            }
            let loops = targets.contains(&node);
            calls.pop();
            if let Some((parent, ..)) = calls.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == index[node] {
                let mut group = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    group.push(member);
                    if member == node {
                        break;
                    }
                }
                if group.len() > 1 || loops {
                    group.sort_unstable();
                    out.push(group);
                }
            }
        }
    }
    out
}

/// The nodes of a graph that reach themselves.
pub(crate) fn cyclic<N: Copy + Eq + Hash>(edges: &HashMap<N, Vec<N>>) -> HashSet<N> {
    let mut number: HashMap<N, usize> = HashMap::new();
    let mut nodes = Vec::new();
    for node in edges.iter().flat_map(|(from, to)| std::iter::once(from).chain(to)) {
        number.entry(*node).or_insert_with(|| {
            nodes.push(*node);
            nodes.len() - 1
        });
    }
    let targets = |i: usize| edges.get(&nodes[i]).into_iter().flatten().map(|n| number[n]).collect();
    groups(nodes.len(), targets).into_iter().flatten().map(|i| nodes[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found() {
        // 0 → 1 → 2 → 0, 2 → 3, 3 → 3, 4 → 0
        let edges = [vec![1], vec![2], vec![0, 3], vec![3], vec![0]];
        let mut found = groups(5, |i| edges[i].clone());
        found.sort();
        assert_eq!(found, [vec![0, 1, 2], vec![3]]);
        // A chain as long as a hostile document makes it.
        assert!(groups(1_000_000, |i| if i + 1 < 1_000_000 { vec![i + 1] } else { vec![] }).is_empty());
    }
}
