"""Explain one image: the first page, and the server of all pages.

Streamlit runs this file for each visitor. When it starts, it also imports it, for the `app` that it serves.
"""

if __name__ == "__main__":
    from ui.first_page import main

    main()
else:
    from streamlit.starlette import App

    from ui.warm_up import while_serving

    app = App(__file__, lifespan=while_serving)
