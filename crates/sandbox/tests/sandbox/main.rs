//! The sandbox over real sockets, from outside.

#[cfg(test)]
mod acme;
#[cfg(test)]
mod authorize;
#[cfg(test)]
mod callback;
#[cfg(test)]
mod client;
#[cfg(test)]
mod client_credentials;
#[cfg(test)]
mod device;
#[cfg(test)]
mod github;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod infusionsoft;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod robust;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod script;
#[cfg(test)]
mod users;
