// Starts Swagger UI on the contract that this service serves; asks no other host for anything.
"use strict";

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#contract",
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    syntaxHighlight: { activated: true },
  });
});
