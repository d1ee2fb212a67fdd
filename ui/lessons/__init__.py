"""Six short lessons, one module each; `ui.lessons.lesson` has what they share."""
