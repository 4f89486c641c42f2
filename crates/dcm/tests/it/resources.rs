//! Every noun through the command line, against a real server.

use crate::environment::Environment;

fn run(environment: &Environment, line: &str) -> crate::environment::Outcome {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    environment.dcm(&arguments)
}

#[test]
fn project_lives_its_life() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    let created = run(&environment, "project create demo --description first");
    insta::assert_snapshot!(created.shown(), @r"
    exit 0
    --- stdout

    --- stderr
    project 'demo' created
    ");
    run(&environment, "project create other").done();
    insta::assert_snapshot!(run(&environment, "project list").shown(), @r"
    exit 0
    --- stdout
    NAME   PRIVILEGED  DESCRIPTION
    demo   refuse      first
    other  refuse      -
    --- stderr
    ");
    let document = run(&environment, "project get demo -o json").done().json();
    assert_eq!(document["metadata"]["description"], "first");
    insta::assert_snapshot!(run(&environment, "project create demo").shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: project 'demo' exists already
    ");
    insta::assert_snapshot!(run(&environment, "project delete demo").shown(), @r"
    exit 0
    --- stdout

    --- stderr
    project 'demo' deleted
    ");
    insta::assert_snapshot!(run(&environment, "project get demo").shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: project 'demo' does not exist
    ");
}

#[test]
fn privileged_cloud_is_allowed_shown_and_refused_again() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    run(&environment, "project create demo").done();
    run(
        &environment,
        "logical-cloud create slice -p demo --user alice",
    )
    .done();
    let create = "permission create look -p demo -c slice --cluster-wide -r nodes -v get -v list";
    insta::assert_snapshot!(run(&environment, create).shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: Forbidden
      spec.namespace: must be 'slice', the namespace of the logical cloud (leave it out)
    hint: let the operator set spec.policy.privileged of project 'demo' to allow
    ");
    run(
        &environment,
        "project set demo --privileged allow --description trusted",
    )
    .done();
    insta::assert_snapshot!(run(&environment, "project list").shown(), @r"
    exit 0
    --- stdout
    NAME  PRIVILEGED  DESCRIPTION
    demo  allow       trusted
    --- stderr
    ");
    run(&environment, create).done();
    let beside = "permission set beside -p demo -c slice -n other -r configmaps -v get";
    run(&environment, beside).done();
    insta::assert_snapshot!(run(&environment, "permission list -p demo -c slice").shown(), @r"
    exit 0
    --- stdout
    NAME    USER  NAMESPACE     API GROUPS  RESOURCES   VERBS
    beside  -     other         core        configmaps  get
    look    -     cluster-wide  core        nodes       get,list
    --- stderr
    ");
    insta::assert_snapshot!(run(&environment, "logical-cloud get slice -p demo").shown(), @r"
    exit 0
    --- stdout
    NAME   NAMESPACE  USER   ISOLATION  WISH  GENERATION  DESCRIPTION
    slice  slice      alice  baseline   -     -           -
      privileged: a permission leaves its namespace
    --- stderr
    ");
    let both = "permission set x -p demo -c slice -n other --cluster-wide -r pods -v get";
    assert!(
        run(&environment, both)
            .shown()
            .contains("cannot be used with")
    );
    run(&environment, "project set demo --privileged refuse").done();
    insta::assert_snapshot!(run(&environment, beside).shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: Forbidden
      spec.namespace: must be 'slice', the namespace of the logical cloud, got 'other' (leave it out)
    hint: let the operator set spec.policy.privileged of project 'demo' to allow
    ");
}

#[test]
fn logical_cloud_and_what_belongs_to_it() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    run(&environment, "project create demo").done();
    run(
        &environment,
        "logical-cloud create slice -p demo --namespace slice-ns --user tenant --isolation strict --label team=red",
    )
    .done();
    insta::assert_snapshot!(run(&environment, "lc list -p demo").shown(), @r"
    exit 0
    --- stdout
    NAME   NAMESPACE  USER    ISOLATION  WISH  GENERATION  DESCRIPTION
    slice  slice-ns   tenant  strict     -     -           -
    --- stderr
    ");

    run(
        &environment,
        "quota create small -p demo -c slice --limit configmaps=5 --limit pods=10",
    )
    .done();
    insta::assert_snapshot!(run(&environment, "quota list -p demo -c slice").shown(), @r"
    exit 0
    --- stdout
    NAME   LIMITS                DESCRIPTION
    small  configmaps=5 pods=10  -
    --- stderr
    ");
    run(
        &environment,
        "quota set small -p demo -c slice --limit configmaps=7",
    )
    .done();
    let quota = run(&environment, "quota get small -p demo -c slice -o json")
        .done()
        .json();
    assert_eq!(quota["spec"], serde_json::json!({"configmaps": "7"}));

    let create =
        "permission create edit -p demo -c slice --resource configmaps --verb get --verb create";
    run(&environment, create).done();
    insta::assert_snapshot!(run(&environment, "permission list -p demo -c slice").shown(), @r"
    exit 0
    --- stdout
    NAME  USER  NAMESPACE  API GROUPS  RESOURCES   VERBS
    edit  -     -          core        configmaps  get,create
    --- stderr
    ");

    let refused = run(&environment, "project delete demo");
    assert_eq!(refused.code, 1, "{}", refused.shown());

    for line in [
        "permission delete edit -p demo -c slice",
        "quota delete small -p demo -c slice",
        "lc delete slice -p demo",
        "project delete demo",
    ] {
        run(&environment, line).done();
    }
}

#[test]
fn users_of_a_logical_cloud() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    run(&environment, "project create demo").done();
    run(&environment, "lc create slice -p demo --user tenant").done();
    insta::assert_snapshot!(run(&environment, "user create ann -p demo -c slice --description night").shown(), @r"
    exit 0
    --- stdout

    --- stderr
    user 'ann' created
    ");
    insta::assert_snapshot!(run(&environment, "user list -p demo -c slice").shown(), @r"
    exit 0
    --- stdout
    NAME    TYPE         DESCRIPTION
    ann     certificate  night
    tenant  certificate  -
    --- stderr
    ");
    let create = "permission create all -p demo -c slice --user ann -r * -v *";
    insta::assert_snapshot!(run(&environment, create).shown(), @r"
    exit 0
    --- stdout

    --- stderr
    warning: '*' in permission 'all' stands for a fixed list of what a tenant can be granted; see status.effective of the permission
    permission 'all' created
    ");
    insta::assert_snapshot!(run(&environment, "permission list -p demo -c slice").shown(), @r"
    exit 0
    --- stdout
    NAME  USER  NAMESPACE  API GROUPS  RESOURCES  VERBS
    all   ann   -          core        *          *
    --- stderr
    ");
    insta::assert_snapshot!(run(&environment, "user delete ann -p demo -c slice").shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: user 'ann' of logical cloud 'slice' is named by user permission 'all'
    hint: delete those permissions, or name another user in them, first
    ");
    insta::assert_snapshot!(run(&environment, "kubeconfig slice -p demo --user eve").shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: user 'eve' of logical cloud 'slice' does not exist
    ");
    insta::assert_snapshot!(run(&environment, "user revoke ann -p demo -c slice").shown(), @r"
    exit 0
    --- stdout

    --- stderr
    user 'ann' revoked; 'slice' is not instantiated, so it counts from then on
    ");
    run(&environment, "permission delete all -p demo -c slice").done();
    run(&environment, "user set ann -p demo -c slice").done();
    let document = run(&environment, "user get ann -p demo -c slice -o json");
    assert_eq!(document.done().json()["spec"]["type"], "certificate");
    run(&environment, "user delete ann -p demo -c slice").done();
}

#[test]
fn status_before_the_first_action() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    run(&environment, "project create demo").done();
    run(&environment, "lc create slice -p demo --user tenant").done();
    insta::assert_snapshot!(run(&environment, "lc status slice -p demo").shown(), @r"
    exit 0
    --- stdout
    demo/slice  never instantiated
    --- stderr
    ");
    let kubeconfig = run(&environment, "kubeconfig slice -p demo");
    assert_eq!(kubeconfig.code, 1, "{}", kubeconfig.shown());
}

#[test]
fn provider_lives_its_life_and_lists_are_empty_first() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    insta::assert_snapshot!(run(&environment, "cluster list").shown(), @r"
    exit 0
    --- stdout

    --- stderr
    there is no cluster yet
    ");
    run(&environment, "provider create edges").done();
    insta::assert_snapshot!(run(&environment, "provider list").shown(), @r"
    exit 0
    --- stdout
    NAME   DESCRIPTION
    edges  -
    --- stderr
    ");
    assert_eq!(
        run(&environment, "cluster list edges -o json")
            .done()
            .stdout,
        "[]\n"
    );
    run(&environment, "provider delete edges").done();
}

#[test]
fn refused_documents_name_every_field() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    run(&environment, "project create demo").done();
    let refused = run(
        &environment,
        "lc create slice -p demo -n Not_A_Label --user a..b",
    );
    insta::assert_snapshot!(refused.shown(), @r"
    exit 1
    --- stdout

    --- stderr
    error: Invalid input
      spec.namespace: must be an RFC 1123 label: lower-case letters, digits and '-', with a letter or digit at both ends, got 'Not_A_Label'
      spec.user.userName: must consist of letters, digits, '-', '_' and '.', begin and end with a letter or digit, and not contain '..', got 'a..b'
    ");
}

#[test]
fn hostile_kubeconfig_is_refused_and_not_shown() {
    let mut environment = Environment::new();
    let _server = environment.serve();
    run(&environment, "provider create edges").done();
    environment.write(
        "hostile.yaml",
        "apiVersion: v1\nkind: Config\nusers: [{name: u, user: {token: CANARY-SECRET, exec: {command: sh}}}]\n",
    );
    let refused = run(
        &environment,
        "cluster create edges/berlin --kubeconfig hostile.yaml",
    );
    assert_eq!(refused.code, 1);
    assert!(!refused.stderr.contains("CANARY"), "{}", refused.stderr);
    assert!(
        refused.stderr.lines().count() > 1,
        "faults are named: {}",
        refused.stderr
    );
}
