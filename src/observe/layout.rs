//! Where boxes and the lines between them go: layers from top to bottom, in the manner of K. Sugiyama, S. Tagawa and M. Toda, "Methods for
//! visual understanding of hierarchical system structures", 1981.
//!
//! A box is one layer below the lowest of those it takes from; one that takes from nobody is just above the highest of those it gives
//! to. A line that crosses layers has a bend in each of them. The order in a
//! layer is by the mean place of the neighbours, swept down and up a few times. A line that closes a cycle has no points, and the same
//! input gives the same picture.

/// The size of all boxes, and of the gaps between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Between two boxes of a layer.
    pub(super) gap: f64,
    /// Between two layers.
    pub(super) fall: f64,
}

/// A drawing of so many boxes.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The upper left corner of each box.
    pub(super) boxes: Vec<(f64, f64)>,
    /// The points of each line, from the lower side of a box to the upper one of another, at least two; none of one that closes a cycle.
    pub(super) lines: Vec<Vec<(f64, f64)>>,
}

/// How often the layers are ordered anew, down and up.
const SWEEPS: usize = 4;
/// What a bend takes of the width of a box: what stands at a line has room there.
const BEND: f64 = 0.45;

/// A box, or the bend of a line.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Box(usize),
    Bend,
}

/// Places in layers, with who hangs together with whom.
struct Layers {
    places: Vec<Place>,
    /// The places above each place, and those below.
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
    /// The places of each layer, from left to right.
    layers: Vec<Vec<usize>>,
}

/// Lays out boxes, numbered from zero, and lines between them.
pub(super) fn layout(boxes: usize, lines: &[(usize, usize)], sizes: Sizes) -> Layout {
    let kept = without_cycles(boxes, lines);
    let forward: Vec<(usize, usize)> = kept.iter().map(|&line| lines[line]).collect();
    let mut drawn = forward_only(boxes, &forward, sizes);
    let mut all = vec![Vec::new(); lines.len()];
    for (line, points) in kept.into_iter().zip(drawn.lines) {
        all[line] = points;
    }
    drawn.lines = all;
    drawn
}

/// The lines that close no cycle with those before them.
fn without_cycles(boxes: usize, lines: &[(usize, usize)]) -> Vec<usize> {
    let mut below = vec![Vec::new(); boxes];
    let mut kept = Vec::new();
    for (line, &(from, to)) in lines.iter().enumerate() {
        let mut seen = vec![false; boxes];
        let mut open = vec![to];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                open.extend(&below[at]);
            }
        }
        if !seen[from] {
            below[from].push(to);
            kept.push(line);
        }
    }
    kept
}

/// Lays out boxes and lines without a cycle.
fn forward_only(boxes: usize, lines: &[(usize, usize)], sizes: Sizes) -> Layout {
    let depths = depths(boxes, lines);
    let mut of = Layers {
        places: (0..boxes).map(Place::Box).collect(),
        above: vec![Vec::new(); boxes],
        below: vec![Vec::new(); boxes],
        layers: vec![Vec::new(); depths.iter().max().map_or(0, |most| most + 1)],
    };
    for (place, &depth) in depths.iter().enumerate() {
        of.layers[depth].push(place);
    }
    let routes: Vec<Vec<usize>> = lines
        .iter()
        .map(|&(from, to)| of.route(from, to, depths[from]..depths[to]))
        .collect();
    of.order();
    let middles = of.middles(sizes);
    let step = sizes.height + sizes.fall;
    let width = of.width(sizes);
    let mut points = vec![(0.0, 0.0); of.places.len()];
    for (depth, layer) in of.layers.iter().enumerate() {
        for &place in layer {
            points[place] = (middles[place], depth as f64 * step);
        }
    }
    Layout {
        width,
        height: (of.layers.len() as f64 * step - sizes.fall).max(0.0),
        boxes: (0..boxes)
            .map(|at| (points[at].0 - sizes.width / 2.0, points[at].1))
            .collect(),
        lines: lines_of(&routes, &points, sizes),
    }
}

/// The points of each line. Lines that share a side of a box are spread over it, in the order in which they lie.
fn lines_of(routes: &[Vec<usize>], points: &[(f64, f64)], sizes: Sizes) -> Vec<Vec<(f64, f64)>> {
    let ports = |end: fn(&[usize]) -> Option<(usize, usize)>| -> Vec<f64> {
        let ends = routes.iter().map(|route| end(route));
        let ends: Vec<(usize, usize)> = ends.map(Option::unwrap_or_default).collect();
        let port = |line: usize| {
            let (at, next) = ends[line];
            let order = |line: usize| (points[ends[line].1].0, line);
            let beside = (0..ends.len()).filter(|&other| ends[other].0 == at);
            let before = |&other: &usize| {
                let (a, b) = (order(other), (points[next].0, line));
                a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).is_lt()
            };
            let (all, left) = (beside.clone().count(), beside.filter(before).count());
            let part = (left + 1) as f64 / (all + 1) as f64;
            points[at].0 + (part - 0.5) * sizes.width
        };
        (0..ends.len()).map(port).collect()
    };
    let leaves = ports(|route| Some((*route.first()?, *route.get(1)?)));
    let enters = ports(|route| Some((*route.last()?, *route.iter().rev().nth(1)?)));
    let route = |(line, route): (usize, &Vec<usize>)| {
        let last = route.len() - 1;
        let places = route.iter().enumerate().map(|(at, &place)| match at {
            0 => (leaves[line], points[place].1 + sizes.height),
            at if at == last => (enters[line], points[place].1),
            _ => (points[place].0, points[place].1 + sizes.height / 2.0),
        });
        places.collect()
    };
    routes.iter().enumerate().map(route).collect()
}

/// One more than the deepest of those above; boxes come in an order in which lines go forward.
fn depths(boxes: usize, lines: &[(usize, usize)]) -> Vec<usize> {
    let mut depths = vec![0; boxes];
    // Each pass settles at least one more layer, so as many passes as boxes are enough, whatever the order of the lines.
    for _ in 0..boxes {
        let before = depths.clone();
        for &(from, to) in lines {
            depths[to] = depths[to].max((depths[from] + 1).min(boxes - 1));
        }
        if depths == before {
            break;
        }
    }
    // A source that comes in far below would have a long way there from the top.
    for at in 0..boxes {
        let below = lines.iter().filter(|&&(from, _)| from == at);
        let highest = below.map(|&(_, to)| depths[to]).min();
        if lines.iter().all(|&(_, to)| to != at) {
            depths[at] = highest.unwrap_or(1).saturating_sub(1);
        }
    }
    depths
}

impl Layers {
    /// A line over these layers: its places, with a bend in each layer that it crosses.
    fn route(&mut self, from: usize, to: usize, over: std::ops::Range<usize>) -> Vec<usize> {
        let mut route = vec![from];
        for depth in over.skip(1) {
            let bend = self.places.len();
            self.places.push(Place::Bend);
            self.above.push(Vec::new());
            self.below.push(Vec::new());
            self.layers[depth].push(bend);
            route.push(bend);
        }
        route.push(to);
        for pair in route.windows(2) {
            self.below[pair[0]].push(pair[1]);
            self.above[pair[1]].push(pair[0]);
        }
        route
    }

    /// Orders each layer by where its neighbours are.
    fn order(&mut self) {
        let mut places = vec![0.0; self.places.len()];
        for layer in &self.layers {
            number(layer, &mut places);
        }
        for sweep in 0..SWEEPS {
            let down = sweep % 2 == 0;
            let next = if down { &self.above } else { &self.below };
            let mut depths: Vec<usize> = (0..self.layers.len()).collect();
            if !down {
                depths.reverse();
            }
            for depth in depths {
                let layer = &mut self.layers[depth];
                let want: Vec<f64> = (0..places.len())
                    .map(|place| mean(&next[place], &places).unwrap_or(places[place]))
                    .collect();
                layer.sort_by(|&a, &b| want[a].total_cmp(&want[b]));
                number(layer, &mut places);
            }
        }
    }

    /// What a place takes of the width.
    fn wide(&self, place: usize, sizes: Sizes) -> f64 {
        match self.places[place] {
            Place::Box(_) => sizes.width,
            Place::Bend => sizes.width * BEND,
        }
    }

    /// The width of a layer.
    fn spread(&self, layer: &[usize], sizes: Sizes) -> f64 {
        let all: f64 = layer.iter().map(|&place| self.wide(place, sizes)).sum();
        all + sizes.gap * layer.len().saturating_sub(1) as f64
    }

    fn width(&self, sizes: Sizes) -> f64 {
        let spreads = self.layers.iter().map(|layer| self.spread(layer, sizes));
        spreads.fold(0.0, f64::max)
    }

    /// The middle of each place: layers are centred.
    fn middles(&self, sizes: Sizes) -> Vec<f64> {
        let width = self.width(sizes);
        let mut middles = vec![0.0; self.places.len()];
        for layer in &self.layers {
            let mut left = (width - self.spread(layer, sizes)) / 2.0;
            for &place in layer {
                let wide = self.wide(place, sizes);
                middles[place] = left + wide / 2.0;
                left += wide + sizes.gap;
            }
        }
        middles
    }
}

/// Notes the place of each in its layer, as a part of it, so that layers of any length can be compared.
fn number(layer: &[usize], places: &mut [f64]) {
    for (at, &place) in layer.iter().enumerate() {
        places[place] = (at as f64 + 0.5) / layer.len() as f64;
    }
}

fn mean(of: &[usize], places: &[f64]) -> Option<f64> {
    let sum: f64 = of.iter().map(|&place| places[place]).sum();
    (!of.is_empty()).then(|| sum / of.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        width: 100.0,
        height: 40.0,
        gap: 20.0,
        fall: 30.0,
    };

    #[test]
    fn a_chain_is_a_column() {
        let drawn = layout(3, &[(0, 1), (1, 2)], SIZES);
        assert_eq!((drawn.width, drawn.height), (100.0, 180.0));
        assert_eq!(drawn.boxes, [(0.0, 0.0), (0.0, 70.0), (0.0, 140.0)]);
        assert_eq!(drawn.lines[0], [(50.0, 40.0), (50.0, 70.0)]);
    }

    #[test]
    fn a_line_that_closes_a_cycle_is_left_out() {
        let drawn = layout(3, &[(2, 0), (0, 1), (1, 2), (1, 1)], SIZES);
        assert_eq!(drawn.boxes, [(0.0, 70.0), (0.0, 140.0), (0.0, 0.0)]);
        let points: Vec<usize> = drawn.lines.iter().map(Vec::len).collect();
        assert_eq!(points, [2, 2, 0, 0]);
    }

    #[test]
    fn a_source_is_where_it_is_needed() {
        let drawn = layout(4, &[(0, 1), (1, 2), (3, 2)], SIZES);
        assert_eq!((drawn.boxes[3].1, drawn.boxes[1].1), (70.0, 70.0));
        assert_eq!(drawn.lines[2].len(), 2);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let drawn = layout(0, &[], SIZES);
        assert_eq!((drawn.width, drawn.height), (0.0, 0.0));
    }

    #[test]
    fn branches_lie_side_by_side_and_do_not_cross() {
        // Two sources feed two stages crosswise to their numbers, which meet in one.
        let drawn = layout(5, &[(0, 3), (1, 2), (2, 4), (3, 4)], SIZES);
        let x = |at: usize| drawn.boxes[at].0;
        assert_eq!(x(0) < x(1), x(3) < x(2), "the lines would cross");
        assert_eq!(drawn.boxes[0].1, drawn.boxes[1].1);
        assert_eq!(drawn.boxes[4], (60.0, 140.0));
        // What meets in a box is spread over its side.
        let mut ends = [drawn.lines[2][1].0, drawn.lines[3][1].0];
        ends.sort_by(f64::total_cmp);
        assert!(
            (ends[0] - 93.3).abs() < 0.1 && (ends[1] - 126.7).abs() < 0.1,
            "{ends:?}"
        );
        assert_eq!(drawn.width, 220.0);
    }

    #[test]
    fn a_line_over_a_layer_goes_around_its_boxes() {
        let drawn = layout(3, &[(0, 1), (1, 2), (0, 2)], SIZES);
        let bend = drawn.lines[2][1];
        assert_eq!(drawn.lines[2].len(), 3);
        let (left, _) = drawn.boxes[1];
        assert!(bend.0 < left || bend.0 > left + SIZES.width, "{drawn:?}");
    }

    #[test]
    fn boxes_of_any_graph_do_not_overlap_and_lines_go_down() {
        let mut dice = 7_u64;
        for boxes in 1..25 {
            let mut lines = Vec::new();
            for to in 1..boxes {
                for _ in 0..2 {
                    dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let from = (dice >> 33) as usize % to;
                    if !lines.contains(&(from, to)) {
                        lines.push((from, to));
                    }
                }
            }
            let drawn = layout(boxes, &lines, SIZES);
            for (a, &(x, y)) in drawn.boxes.iter().enumerate() {
                assert!(x >= 0.0 && x + SIZES.width <= drawn.width + 1e-6);
                for &(x2, y2) in &drawn.boxes[..a] {
                    assert!(y != y2 || (x - x2).abs() >= SIZES.width + SIZES.gap - 1e-6);
                }
            }
            for line in &drawn.lines {
                assert!(line.windows(2).all(|pair| pair[0].1 < pair[1].1));
            }
        }
    }
}
