package org.crosswind.app

import android.app.Activity
import android.os.Build
import android.view.View
import android.view.WindowInsets
import java.io.IOException
import org.crosswind.app.model.CorruptModel
import org.crosswind.app.model.ModelCard
import org.crosswind.app.model.Predictor

/** The installed model, or why there is none. */
val Activity.predictor: Result<Predictor> get() = (application as CrosswindApp).predictor

/** Sets a layout that has a root and a toolbar, and keeps it clear of the system's bars, cutouts and keyboard. */
fun Activity.setScreen(layout: Int) {
    setContentView(layout)
    setActionBar(findViewById(R.id.toolbar))
    findViewById<View>(R.id.root).setOnApplyWindowInsetsListener { root, insets ->
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.R) {
            val covered = WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout() or WindowInsets.Type.ime()
            with(insets.getInsets(covered)) { root.setPadding(left, top, right, bottom) }
            WindowInsets.CONSUMED
        } else {
            root.onApplyWindowInsets(insets) // the window itself stays clear of them
        }
    }
}

/** Why there is no model, and what to do, in words. */
fun Activity.problem(error: Throwable): String = when (error) {
    is IOException -> getString(R.string.no_model)
    is CorruptModel -> getString(R.string.corrupt_model, error.message)
    else -> getString(R.string.no_library, error.message)
}

/** Which model this is. */
fun Activity.trainedOn(card: ModelCard): String = when (card.window.size) {
    1 -> getString(R.string.trained_on_month, card.version, card.window.single())
    else -> getString(R.string.trained_on_months, card.version, card.window.first(), card.window.last())
}
