// A page that the browser has kept, and not loaded, may be one of a user who has logged out since.
window.addEventListener("pageshow", event => {
  if (event.persisted) location.reload();
});
