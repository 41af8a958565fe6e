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
const STYLE: &str = include_str!("style.css");

/// A page with a script, which finds `data` as JSON.
fn page(title: &str, body: &str, data: &impl Serialize, script: &str) -> String {
    // No text in it ends the element that it stands in.
    let data = serde_json::to_string(data).expect("what a page computes with is JSON").replace('<', "\\u003c");
    let body = format!(
        "<style>\n{STYLE}</style>\n{body}<script type=\"application/json\" id=\"data\">{data}</script>\n<script>\n'use strict';\n{PLAYER}{script}\
         </script>\n"
    );
    document(title, &body)
}
