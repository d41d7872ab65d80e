package org.crosswind.app.fields

import android.content.Context
import android.graphics.Rect
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import org.crosswind.app.R
import org.crosswind.app.model.Field
import org.crosswind.app.model.Widget

/**
 * One field on the screen.
 *
 * @param layout its views: `input`, tagged with the field's name; where it does not label itself, `label`; and `wrong`, what
 *     is wrong, unless `input` can say so.
 */
abstract class FieldRow(val field: Field, parent: ViewGroup, layout: Int) {
    /** Called when a person, and not [show], changed the text. */
    var onChange: () -> Unit = {}

    /** What the widget holds, as [Widget] says. */
    abstract val text: String

    val view: View = LayoutInflater.from(parent.context).inflate(layout, parent, false)
    protected val context: Context = parent.context
    protected val input: View = view.findViewById<View>(R.id.input).apply {
        id = View.generateViewId() // a label finds its input by the id
        tag = field.name
    }
    private val wrong: TextView? = view.findViewById(R.id.wrong)
    private var known = ""

    init {
        view.findViewById<TextView>(R.id.label)?.apply {
            text = field.label
            labelFor = input.id
        }
    }

    /** Puts a text into the widget. */
    fun show(text: String) {
        put(text)
        settle()
    }

    private fun settle() {
        known = text
        wrong?.visibility = View.GONE
    }

    /** Shows what is wrong with the text, and brings the field into view. */
    open fun refuse(message: String) {
        wrong?.text = message
        wrong?.visibility = View.VISIBLE
        input.requestFocus()
        view.post { view.requestRectangleOnScreen(Rect(0, 0, view.width, view.height)) }
    }

    protected abstract fun put(text: String)

    /** For the widgets' listeners, which are called for what [show] did as well. */
    protected fun changed() {
        if (text == known) return
        settle()
        onChange()
    }
}

/** The row that a field asks for. */
fun fieldRow(field: Field, parent: ViewGroup): FieldRow = when (field.widget) {
    Widget.CHOICE -> ChoiceRow.codes(field, parent)
    Widget.WEEKDAY -> ChoiceRow.weekdays(field, parent)
    Widget.TIME -> TimeRow(field, parent)
    Widget.SWITCH -> SwitchRow(field, parent)
    Widget.PERCENT, Widget.NUMBER, Widget.DISTANCE, Widget.TEXT -> TextRow(field, parent)
}
