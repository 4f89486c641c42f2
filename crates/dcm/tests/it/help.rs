//! Help, usage errors and completion: what needs no server.

use crate::environment::Environment;

#[test]
fn help_lists_the_commands() {
    let outcome = Environment::new().dcm(&["--help"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 0
    --- stdout
    Distributed Cloud Manager: logical clouds across many Kubernetes clusters

    Usage: dcm [OPTIONS] <COMMAND>

    Commands:
      serve          Run the server, with all it needs, on an embedded store
      config         The configuration of the server
      apply          Make true what files say: all of their documents, or none
      get            Show how the documents of files are stored now
      delete         Delete the documents of files, last things first; what is instantiated is
                     terminated before
      project        Projects: the tenants
      provider       Cluster providers: groups of clusters
      cluster        Clusters: register them, see whether they are healthy
      cluster-label  Labels of clusters
      cluster-kv     Key-values of clusters, kept for clients
      sync-object    Key-values with which repositories are reached; tokens may be among them
      logical-cloud  Logical clouds: slices through chosen clusters [alias: lc]
      reference      Cluster references: which clusters a logical cloud spans
      quota          Quotas of a logical cloud; a change counts from the next instantiate or update on
      user           Users of a logical cloud; a change counts from the next instantiate or update on
      permission     Permissions of users; a change counts from the next instantiate or update on
      cloud-kv       Key-values of a logical cloud, kept for clients
      controller     Controllers of the later system, kept for its clients
      tombstone      Tombstones: what is left of deleted logical clouds in clusters that did not answer
      sync           The synchronizer: what it works on, and what it waits for
      admin          What an operator does after an accident
      kubeconfig     Get the kubeconfig of a logical cloud
      ca             Certificate authorities of meshes: show, rotate, revoke, judge a bundle
      mesh           Meshes of logical clouds: what their members shall hold
      man            Print the manual page, or write one page per command
      credential     Print the present credential for a member; kubeconfigs made with `--exec` call it
      completion     Print a completion script for a shell

    Options:
          --server <URL>
              Address of the server that client commands talk to
              
              [env: DCM_SERVER=]
              [default: http://127.0.0.1:9077]

          --color <WHEN>
              When to use colours; with `auto`, `NO_COLOR` is respected

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version
    --- stderr
    ");
}

#[test]
fn help_of_a_noun_lists_what_can_be_done_with_it() {
    let outcome = Environment::new().dcm(&["logical-cloud", "--help"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 0
    --- stdout
    Logical clouds: slices through chosen clusters

    Usage: dcm logical-cloud [OPTIONS] <COMMAND>

    Commands:
      create       Create a logical cloud; no cluster is touched before `instantiate`
      get          Show a logical cloud
      list         List the logical clouds of a project
      delete       Delete a logical cloud; terminate it first
      instantiate  Make it exist in its members, as its documents say now
      update       Make its members match its documents as they are now
      terminate    Remove it from its members
      stop         Leave its members as they are until the next action
      status       Show where each member stands; ends with 3 when one needs attention

    Options:
      -o, --output <FORMAT>
              Format of what is written to standard output

              Possible values:
              - table: For people
              - json:  The documents of the REST interface, unchanged
              - yaml:  The same documents as YAML
              
              [default: table]

          --server <URL>
              Address of the server that client commands talk to
              
              [env: DCM_SERVER=]
              [default: http://127.0.0.1:9077]

          --color <WHEN>
              When to use colours; with `auto`, `NO_COLOR` is respected

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Always
              - never:  Never
              
              [default: auto]

      -h, --help
              Print help (see a summary with '-h')
    --- stderr
    ");
}

#[test]
fn help_of_a_verb_lists_its_options() {
    let outcome = Environment::new().dcm(&["quota", "create", "-h"]);
    insta::assert_snapshot!(outcome.shown(), @r"
    exit 0
    --- stdout
    Create one; one of its name must not exist

    Usage: dcm quota create [OPTIONS] --project <PROJECT> --cloud <CLOUD> --limit <RESOURCE=QUANTITY> <NAME>

    Arguments:
      <NAME>  Its name

    Options:
      -o, --output <FORMAT>            Format of what is written to standard output [default: table]
                                       [possible values: table, json, yaml]
      -p, --project <PROJECT>          The project [env: DCM_PROJECT=]
          --server <URL>               Address of the server that client commands talk to [env:
                                       DCM_SERVER=] [default: http://127.0.0.1:9077]
      -c, --cloud <CLOUD>              The logical cloud
          --color <WHEN>               When to use colours; with `auto`, `NO_COLOR` is respected
                                       [default: auto] [possible values: auto, always, never]
      -l, --limit <RESOURCE=QUANTITY>  A limit, for example `configmaps=5` or `requests.cpu=500m`; may
                                       be repeated
          --description <TEXT>         Free text, at most 1024 characters
          --user-data1 <TEXT>          Free text for your own use, at most 512 characters
          --user-data2 <TEXT>          Free text for your own use, at most 512 characters
      -h, --help                       Print help (see more with '--help')
    --- stderr
    ");
}

#[test]
fn wrong_command_lines_end_with_two_and_touch_nothing() {
    let environment = Environment::new();
    for arguments in [
        &["nonsense"][..],
        &["project"],
        &["project", "create"],
        &["project", "get", ".."],
        &["project", "get", "a/b"],
        &["cluster", "get", "berlin"],
        &["cluster", "create", "edges/berlin"],
        &["logical-cloud", "list"],
        &["quota", "create", "q", "-p", "p", "-c", "c"],
        &[
            "quota",
            "create",
            "q",
            "-p",
            "p",
            "-c",
            "c",
            "--limit",
            "configmaps",
        ],
        &["lc", "status", "x", "-p", "p", "--wait", "--timeout", "5"],
        &["project", "list", "--output", "xml"],
        &["project", "list", "--server", "127.0.0.1:9077"],
        &["project", "list", "--server", "https://127.0.0.1:9077"],
        &["completion", "tcsh"],
        &["serve", "--listen", "nowhere"],
    ] {
        let outcome = environment.dcm(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.shown());
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn completion_knows_the_commands_and_their_aliases() {
    let environment = Environment::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = environment.dcm(&["completion", shell]).done().stdout;
        for word in ["logical-cloud", "kubeconfig", "instantiate"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}
