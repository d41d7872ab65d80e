package org.crosswind.app

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.view.Menu
import android.view.MenuItem
import android.view.View
import android.widget.TextView

/** The one screen: a form built from the model's card and its answer, or why there is no model. */
class MainActivity : Activity() {
    private var form: FormScreen? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setScreen(R.layout.activity_main)
        predictor.onSuccess { form = FormScreen(this, it, savedInstanceState) }.onFailure { error ->
            findViewById<View>(R.id.form).visibility = View.GONE
            findViewById<TextView>(R.id.problem).apply {
                text = problem(error)
                visibility = View.VISIBLE
            }
        }
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        form?.save(outState)
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.main, menu)
        return true
    }

    override fun onOptionsItemSelected(item: MenuItem): Boolean {
        if (item.itemId != R.id.debug) return super.onOptionsItemSelected(item)
        startActivity(Intent(this, DebugActivity::class.java))
        return true
    }
}
