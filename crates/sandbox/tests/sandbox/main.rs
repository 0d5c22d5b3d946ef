//! The sandbox over real sockets, from outside.

#[cfg(test)]
mod acme;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod client;
#[cfg(test)]
mod github;
#[cfg(test)]
mod infusionsoft;
#[cfg(test)]
mod robust;
#[cfg(test)]
mod script;
