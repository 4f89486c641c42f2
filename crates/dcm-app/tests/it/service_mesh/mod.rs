//! Service meshes: what is wished, what is prepared for it, and what goes again.

mod prepare;
mod site;
mod wish;
