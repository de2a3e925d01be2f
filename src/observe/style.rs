//! The style of all that is drawn here, in light and in dark.
//!
//! Text can be read on what it stands on, and what is drawn can be told from it (WCAG 2, level AA): the tests compute the contrasts. What is
//! told by colour is told in words too. Nothing moves by itself.

/// What the classes of drawings look like.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;--back:#fff;--card:#f6f7f9;--ink:#1b1f24;--soft:#5b6472;--rule:#d9dee5;--edge:#808a98;\
--busy:#2f6fd6;--starved:#c3cad4;--blocked:#c8741c;--calm:#2e8b57;--warm:#bf7600;--hot:#c0392b;--shade:#0002}\
@media (prefers-color-scheme:dark){:root{--back:#14171c;--card:#1d2229;--ink:#e7eaee;--soft:#9aa5b4;--rule:#343b46;--edge:#737e90;\
--busy:#6ea0f2;--starved:#4a5361;--blocked:#e9a04f;--calm:#4fb37d;--warm:#e0a52e;--hot:#ef6a5a;--shade:#000a}}\
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .soft{fill:var(--soft)}\
svg .name{font-weight:600;font-size:14px}.box{fill:var(--card);stroke:var(--rule);stroke-width:1}\
.box.hot{stroke:var(--hot);stroke-width:2.5}.line{fill:none;stroke-linecap:round}.calm{stroke:var(--calm)}\
.warm{stroke:var(--warm)}.line.hot{stroke:var(--hot)}.tip.calm{fill:var(--calm);stroke:none}.tip.warm{fill:var(--warm);stroke:none}\
.tip.hot{fill:var(--hot);stroke:none}.busy{fill:var(--busy)}.blocked{fill:var(--blocked)}\
.starved{fill:var(--starved);stroke:var(--edge);vector-effect:non-scaling-stroke}\
.halo{paint-order:stroke;stroke:var(--back);stroke-width:5px}.graph{display:block;margin:0 auto;max-width:100%;height:auto}\
.scroll{overflow-x:auto;background:linear-gradient(90deg,var(--back) 30%,transparent) 0 0/32px 100% no-repeat local,\
linear-gradient(270deg,var(--back) 30%,transparent) 100% 0/32px 100% no-repeat local,\
linear-gradient(90deg,var(--shade),transparent) 0 0/10px 100% no-repeat scroll,\
linear-gradient(270deg,var(--shade),transparent) 100% 0/10px 100% no-repeat scroll}\
:focus-visible{outline:2px solid var(--busy);outline-offset:2px}";

#[cfg(test)]
mod tests {
    use super::*;

    /// The colour of a name, in light or in dark, as red, green and blue.
    fn colour(theme: usize, name: &str) -> [f64; 3] {
        let themes: Vec<&str> = STYLE.split("prefers-color-scheme:dark").collect();
        let (_, rest) = themes[theme].split_once(&format!("--{name}:#")).unwrap();
        let code = rest.split([';', '}']).next().unwrap();
        let digits = code.len() / 3;
        [0, 1, 2].map(|at| {
            let part = &code[at * digits..(at + 1) * digits];
            let part = if digits == 1 {
                part.repeat(2)
            } else {
                part.to_owned()
            };
            f64::from(u8::from_str_radix(&part, 16).unwrap()) / 255.0
        })
    }

    /// How light a colour is, as WCAG has it.
    fn luminance(colour: [f64; 3]) -> f64 {
        let [red, green, blue] = colour.map(|part| {
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(theme: usize, one: &str, other: &str) -> f64 {
        let [one, other] = [one, other].map(|name| luminance(colour(theme, name)));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn everything_can_be_told_from_what_it_stands_on() {
        assert!((contrast(0, "back", "ink") - 16.56).abs() < 0.01);
        for theme in [0, 1] {
            for ground in ["back", "card"] {
                for (names, least) in [
                    (&["ink", "soft", "hot"][..], 4.5),
                    (&["busy", "blocked", "edge", "calm", "warm"][..], 3.0),
                ] {
                    for name in names {
                        let found = contrast(theme, name, ground);
                        assert!(found >= least, "{name} on {ground}, {theme}: {found:.2}");
                    }
                }
            }
        }
    }
}
