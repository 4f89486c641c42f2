//! Bundles of our authorities before judges that share no code with us, and in real control planes of meshes.

mod authority;
mod clouds;
mod control_planes;
mod controller;
mod installed;
mod judges;
mod reviewed;
mod rotation;
