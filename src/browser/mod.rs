//! Pages in which a browser runs wgrad's own kernels by WebGPU: the composed WGSL of a plan, dispatched in the plan's order by a short script
//! that knows buffers, bind groups and dispatches, and no mathematics. A page is one file that fetches nothing.

mod form;
mod play;
mod program;

pub use form::{Seen, form_page};
pub use play::{Net, Play, SelfTest, Set, picture, shown_whole};
pub use program::{Program, Shaders, padded};

use serde::Serialize;

use crate::page::document;

/// Runs a plan.
const PLAYER: &str = include_str!("player.js");

/// What pages that compute add to the style of all pages.
const STYLE: &str = "\
button, select, input { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--middle); border-radius: .3rem; padding: .25rem .6rem }
button { cursor: pointer } .controls { display: flex; flex-wrap: wrap; gap: .5rem .8rem; align-items: end; margin: 1rem 0 }
label { font-size: 13px; color: var(--soft) } label select, label input { display: block; margin-top: .15rem; font-size: 15px; color: var(--ink); max-width: 100% }
#status { color: var(--c1); font-weight: 600 } #status:empty { display: none } [hidden] { display: none !important }
canvas { width: 100%; max-width: 25rem; height: auto; border: 1px solid var(--faint); touch-action: none } .curve { max-width: 34rem }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem; align-items: start }";

/// A page with a script, which finds `data` as JSON.
fn page(title: &str, body: &str, data: &impl Serialize, script: &str) -> String {
    // No text in it ends the element that it stands in.
    let data = serde_json::to_string(data).expect("what a page computes with is JSON").replace('<', "\\u003c");
    let body = format!(
        "<style>\n{STYLE}\n</style>\n{body}<script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n'use strict';\n{PLAYER}{script}\
         </script>\n"
    );
    document(title, &body)
}
