#include "program/plan/page.hpp"

namespace gm::program {

const char* page_style() {
    return R"(
:root { color-scheme: light dark; --back: #f7f7f5; --card: #fff; --text: #1d2329; --faint: #6a737d; --line: #e3e4e1;
  --ok: #3d8b7d; --ok2: #67ab9e; --bad: #cf3f36; --mark: #b7791f; }
@media (prefers-color-scheme: dark) { :root { --back: #14171a; --card: #1c2024; --text: #e4e7ea; --faint: #8f99a3;
  --line: #2d3338; --ok: #4fa897; --ok2: #377d70; --bad: #f0655b; --mark: #e0a84a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.5rem 4rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .75rem; }
p { margin: .25rem 0 .75rem; color: var(--faint); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1.1rem 1.25rem; margin-top: 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem 1rem; margin-top: 1.25rem; }
.figures div { border-left: 3px solid var(--line); padding-left: .7rem; }
.figures b { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.25; }
.figures span { color: var(--faint); font-size: .85rem; }
.figures .bad { border-color: var(--bad); }
.figures .bad b, .bad-text { color: var(--bad); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .even { fill: var(--ok); } svg .odd { fill: var(--ok2); } svg .bad { fill: var(--bad); }
svg .line { fill: none; stroke: var(--mark); stroke-width: 1.5; }
svg .job:hover { fill: var(--mark); }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin: 0 .3rem 0 .8rem; background: var(--ok); }
.key.bad { background: var(--bad); }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .3rem .8rem; align-items: center;
  font-variant-numeric: tabular-nums; }
.bars .name, .bars .count { text-align: right; color: var(--faint); font-size: .9rem; }
.bars .bar { display: flex; height: .95rem; }
.bars i { display: block; background: var(--ok); border-radius: 2px; }
.bars i.bad { background: var(--bad); }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; color: var(--faint); font-size: .85rem; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
td.command { width: 100%; white-space: pre-wrap; overflow-wrap: anywhere; }
code, td.command { font: 13px/1.5 ui-monospace, monospace; }
code { background: var(--back); border-radius: 4px; padding: .1rem .35rem; overflow-wrap: anywhere; }
@media print { body { max-width: none; padding: 0; } section { break-inside: avoid; } }
)";
}

}  // namespace gm::program
