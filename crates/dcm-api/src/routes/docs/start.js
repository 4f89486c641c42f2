// No validator: it would be another host.
SwaggerUIBundle({
  url: "/v2/openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
});
