//! `banter completions`.

use std::io::{Write, stdout};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Ending};

/// Print what a shell needs to complete commands and flags.
#[derive(Debug, Args)]
#[command(after_help = INSTALLING)]
pub(super) struct Completions {
    /// Your shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        // The generator panics where it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "banter", &mut script);
        stdout().write_all(&script)?;
        Ok(Ending::Done)
    }
}

const INSTALLING: &str = "\
To install them, for the next shell that starts:
  bash        mkdir -p ~/.local/share/bash-completion/completions
              banter completions bash > ~/.local/share/bash-completion/completions/banter
  zsh         mkdir -p ~/.zfunc && banter completions zsh > ~/.zfunc/_banter
              and in ~/.zshrc, before compinit: fpath=(~/.zfunc $fpath)
  fish        mkdir -p ~/.config/fish/completions
              banter completions fish > ~/.config/fish/completions/banter.fish
  elvish      banter completions elvish >> ~/.config/elvish/rc.elv
  powershell  banter completions powershell >> $PROFILE";
