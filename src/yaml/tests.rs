//! Facts about what is written, and what is not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn written(object: &Value) -> String {
    Document::new(object, Shown::default()).text()
}

fn all() -> Shown {
    Shown {
        managed_fields: ManagedFields::Shown,
        secrets: Secrets::Shown,
    }
}

#[test]
fn an_object_reads_as_people_write_it() {
    let object = json!({
        "status": { "phase": "Running", "ready": true },
        "spec": {
            "containers": [
                { "image": "web:1.2", "name": "web", "args": ["--port", "8080", "-v"], "env": [] },
                { "name": "side", "resources": {} }
            ],
            "nodeName": "w-03",
            "matrix": [[1, 2], []]
        },
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "labels": { "app": "web", "on": "yes" },
            "creationTimestamp": "2026-11-21T02:14:07Z",
            "namespace": "shop",
            "name": "web-1",
            "generation": 3
        }
    });
    insta::assert_snapshot!(written(&object), @r#"
    apiVersion: v1
    kind: Pod
    metadata:
      name: web-1
      namespace: shop
      creationTimestamp: "2026-11-21T02:14:07Z"
      generation: 3
      labels:
        app: web
        "on": "yes"
    spec:
      containers:
      - name: web
        args:
        - --port
        - "8080"
        - -v
        env: []
        image: web:1.2
      - name: side
        resources: {}
      matrix:
      -
        - 1
        - 2
      - []
      nodeName: w-03
    status:
      phase: Running
      ready: true
    "#);
}

#[test]
fn texts_with_lines_are_blocks() {
    let object = json!({ "data": {
        "one": "a\nb\n", "none": "a\n  b", "many": "a\n\n\n", "tabs": "a\n\tb\n",
        "blank": " a\nb", "bell": "a\n\u{7}"
    } });
    insta::assert_snapshot!(written(&object), @r#"
    data:
      bell: "a\n\x07"
      blank: " a\nb"
      many: |+
        a


      none: |-
        a
          b
      one: |
        a
        b
      tabs: |
        a
        	b
    "#);
}

fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": "login",
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"password\":\"aHVudGVyMg==\"}}",
                "note": "seen"
            }
        },
        "data": { "password": "aHVudGVyMg==", "key": "/////w==", "lines": "YQpiCg==" },
        "stringData": { "token": "abc" }
    })
}

#[test]
fn secrets_are_masked_with_their_length() {
    let document = Document::new(&secret(), Shown::default());
    assert_eq!(document.secrets, 5);
    let text = document.text();
    for leak in ["aHVudGVyMg", "hunter2", "/////w", "abc", "YQpi"] {
        assert!(!text.contains(leak), "{text}");
    }
    assert!(text.contains("  password:  # 7 bytes, masked\n"), "{text}");
    assert!(text.contains("  token:  # 3 bytes, masked\n"), "{text}");
    assert!(text.contains("    note: seen\n"), "{text}");
    let read: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(read["data"]["password"], Value::Null, "no mask is a value");
}

#[test]
fn a_shown_secret_says_what_it_holds() {
    let text = Document::new(&secret(), all()).text();
    assert!(
        text.contains("  password: aHVudGVyMg==\n  # hunter2\n"),
        "{text}"
    );
    assert!(
        text.contains("  key: /////w==\n  # 4 bytes, not text\n"),
        "{text}"
    );
    assert!(text.contains("  lines: YQpiCg==\n  # a\n  # b\n"), "{text}");
}

#[test]
fn a_config_map_is_no_secret() {
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "data": { "password": "x" } });
    assert!(written(&object).contains("password: x\n"));
}

#[test]
fn managed_fields_are_counted_and_hidden_until_asked() {
    let object =
        json!({ "metadata": { "name": "a", "managedFields": [{ "manager": "kubectl" }, {}] } });
    let hidden = Document::new(&object, Shown::default());
    assert_eq!(hidden.managed, 2);
    assert!(!hidden.text().contains("manager"));
    assert!(
        Document::new(&object, all())
            .text()
            .contains("- manager: kubectl\n")
    );
}

fn hostile_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[ -~\n\t]{0,24}",
        "[-+.0-9:_eExXoObTZ]{1,12}",
        "[\u{0}-\u{9f}\u{202a}-\u{202e}\u{feff}]{0,6}",
        Just("null".to_owned()),
        Just("No".to_owned()),
        Just("1:30".to_owned()),
        Just("- a".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        hostile_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z.:#/ -]{0,6}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_object(inner in value()) {
        let object = json!({ "spec": inner });
        let text = written(&object);
        let read: Value = serde_saphyr::from_str(&text)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(read, object, "{}", text);
    }

    #[test]
    fn no_line_holds_a_control_character(inner in value()) {
        let object = json!({ "spec": inner });
        for line in Document::new(&object, all()).lines {
            prop_assert!(!line.text().chars().any(|c| c != '\t' && text::is_unsafe(c)));
        }
    }
}
