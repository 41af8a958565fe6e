//! The library: kernels, plans and shaders against the oracle and against other programs.

#[path = "../common/mod.rs"]
mod common;
mod determinism;
mod gpu;
mod gradients;
mod imports;
mod mutants;
mod optimizers;
mod pandas;
mod replicas;
mod shaders;

fn main() {
    // Those with the longest trials come first: none of these is left alone at the end.
    common::run(&[
        ("shaders", shaders::trials),
        ("determinism", determinism::trials),
        ("gpu", gpu::trials),
        ("replicas", replicas::trials),
        ("mutants", mutants::trials),
        ("pandas", pandas::trials),
        ("gradients", gradients::trials),
        ("optimizers", optimizers::trials),
        ("imports", imports::trials),
    ]);
}
