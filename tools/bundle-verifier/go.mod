module dcm.example/tools/bundle-verifier

go 1.26.0
